//! Progress on stderr, and numbers in text.

/// Prints a line for a finished step.
pub(crate) fn progress(part: &str, what: &str, figure: &str) {
    eprintln!("  {part:<14} {what:<50} {figure}");
}

/// A number with separated thousands.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_separated() {
        let texts = [0.4, 999.5, 1_000.0, 27_600.2, 1_234_567.0].map(grouped);
        assert_eq!(texts, ["0", "1,000", "1,000", "27,600", "1,234,567"]);
    }
}
