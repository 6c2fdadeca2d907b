//! Texts in Helvetica.

/// Encodes a text in Windows-1252, the encoding of a font without an own table.
pub(super) fn encoded(text: &str) -> Vec<u8> {
    let byte = |c: char| match c {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).unwrap_or(b'?'),
        '€' => 0x80,
        '…' => 0x85,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '–' => 0x96,
        '—' => 0x97,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

/// Returns the width of a text in the regular cut in points, from Adobe's metrics, precise enough for right alignment.
pub(super) fn width(text: &str, size: f32) -> f32 {
    let thousandths = |c: char| match c {
        'i' | 'j' | 'l' | '\'' => 222,
        ' ' | 'f' | 't' | 'I' | '.' | ',' | ':' | ';' | '!' | '/' | '\\' | '|' | '[' | ']' => 278,
        'r' | '(' | ')' | '-' => 333,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J' => 500,
        'F' | 'T' | 'Z' => 611,
        'A' | 'B' | 'E' | 'K' | 'P' | 'S' | 'V' | 'X' | 'Y' | '&' => 667,
        'w' | 'C' | 'D' | 'H' | 'N' | 'R' | 'U' => 722,
        'G' | 'O' | 'Q' => 778,
        'm' | 'M' => 833,
        '%' => 889,
        'W' => 944,
        _ => 556,
    };
    #[expect(clippy::cast_precision_loss, reason = "a picture")]
    let sum = text.chars().map(thousandths).sum::<u32>() as f32;
    sum / 1000.0 * size
}

/// Truncates a text to a width, with an ellipsis.
pub(super) fn fitting(text: &str, size: f32, room: f32) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut end = text.len();
    while let Some((last, _)) = text[..end].char_indices().last() {
        end = last;
        let cut = format!("{}…", &text[..end]);
        if width(&cut, size) <= room {
            return cut;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_1252_does_not_have_is_a_question_mark() {
        assert_eq!(encoded("Zoë – 漢"), b"Zo\xeb \x96 ?");
    }

    #[test]
    fn long_text_is_cut_so_that_it_fits() {
        assert_eq!(fitting("send-email", 9.0, 200.0), "send-email");
        let cut = fitting(&"x".repeat(100), 10.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 100.0, "{cut}");
    }
}
