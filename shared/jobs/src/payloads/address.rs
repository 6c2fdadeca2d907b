//! Validation of e-mail addresses. It rejects addresses that no mail service accepts.

use crate::Invalid;

/// Maximum length of an address in bytes (RFC 5321, section 4.5.3.1.3), without angle brackets.
const MAX_BYTES: usize = 254;
/// Maximum length of a display name in bytes.
const MAX_NAME_BYTES: usize = 200;

/// Validates an address. Accepts `ada@example.com`, `Ada Lovelace <ada@example.com>` and `"Lovelace, Ada" <ada@example.com>`.
///
/// # Errors
///
/// The address is invalid. The error does not repeat it.
pub fn check(field: &str, text: &str) -> Result<(), Invalid> {
    parse(text).map(drop).map_err(|problem| Invalid::new(field, problem))
}

/// Formats a checked address for a header. A name with characters that RFC 5322 does not allow in an atom becomes a
/// quoted string.
pub fn header(text: &str) -> String {
    let Ok((name, address)) = parse(text) else { return text.to_owned() };
    if name.is_empty() {
        return address.to_owned();
    }
    // RFC 6532 allows non-ASCII characters. The mail service encodes them.
    if name.chars().all(|c| c == ' ' || is_atom_character(c) || !c.is_ascii()) {
        return format!("{name} <{address}>");
    }
    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\" <{address}>")
}

/// Splits a text into the display name, which may be empty, and the address.
fn parse(text: &str) -> Result<(String, &str), &'static str> {
    let (name, address) = match text.strip_suffix('>') {
        None => (String::new(), text),
        Some(rest) => match rest.rsplit_once('<') {
            Some((name, address)) => (display_name(name.trim_matches(' '))?, address),
            None => return Err("must be an address, or a name and an address in < >"),
        },
    };
    if is_address(address) { Ok((name, address)) } else { Err("is not an e-mail address") }
}

/// Reads a display name, plain or as a quoted string (RFC 5322, section 3.2.4).
fn display_name(text: &str) -> Result<String, &'static str> {
    let name = match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted).ok_or("must end the name with a quote before <")?,
        None if text.contains(['<', '>', '@', ',', ';', '"', '\\']) => {
            return Err("must have its name in quotes, because the name contains one of < > @ , ; \" \\");
        }
        None => text.to_owned(),
    };
    if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err("must have a name of one line of at most 200 bytes");
    }
    Ok(name)
}

/// Returns the text before the closing quote, which must be the last character.
fn unquoted(text: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return rest.next().is_none().then_some(name),
            '\\' => name.push(rest.next()?),
            c => name.push(c),
        }
    }
}

fn is_address(text: &str) -> bool {
    text.len() <= MAX_BYTES && text.split_once('@').is_some_and(|(local, domain)| is_local(local) && is_domain(domain))
}

/// Whether the text is a dot-atom (RFC 5322, section 3.2.3). Quoted local parts are not supported.
fn is_local(text: &str) -> bool {
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atom_character);
    text.len() <= 64 && text.split('.').all(is_atom)
}

/// Whether the character is `atext` (RFC 5322, section 3.2.3).
fn is_atom_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// Whether the text is a host name with a dot. Other names are not reachable from the internet.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::{check, header};

    #[test]
    fn addresses_with_and_without_a_name_are_accepted() {
        for text in [
            "ada@example.com",
            "a.b+c@x-y.example.co.uk",
            "Ada <ada@example.com>",
            "<ada@example.com>",
            "o'neill@example.ie",
            "\"Müller, Anna\" <anna@example.com>",
            "\"a@b <c>; \\\"d\\\" \\\\\" <anna@example.com>",
            "\"\" <ada@example.com>",
            "\"Ada\"<ada@example.com>",
            "Ada<ada@example.com>",
        ] {
            assert_eq!(check("to", text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_no_mail_service_takes_is_rejected_without_repeating_it() {
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@@example.com",
            "ada @example.com",
            "ada@exa mple.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "Ada ada@example.com>",
            "A <b> <ada@example.com>",
            ".ada@example.com",
            "ada..b@example.com",
            "ada@-example.com",
            "ada@example..com",
            "a@example.com,b@example.com",
            "Ada\n <ada@example.com>",
            "Müller, Anna <anna@example.com>",
            "\"Ada <ada@example.com>",
            "Ada\" <ada@example.com>",
            "\"Ada\" Lovelace <ada@example.com>",
            "\"Ada\\\" <ada@example.com>",
            "\"Ada\r\nBcc: eve@example.com\" <ada@example.com>",
            "\"Ada\" ada@example.com",
            "\"ada\"@example.com",
            "\"Ada\" <>",
        ] {
            let error = check("to", text).expect_err(text).to_string();
            assert!(error.starts_with("to: "), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn names_with_special_characters_are_quoted_in_a_header() {
        for (text, expected) in [
            ("ada@example.com", "ada@example.com"),
            ("<ada@example.com>", "ada@example.com"),
            ("\"\" <ada@example.com>", "ada@example.com"),
            ("Ada<ada@example.com>", "Ada <ada@example.com>"),
            ("Ada Lovelace <ada@example.com>", "Ada Lovelace <ada@example.com>"),
            ("\"Ada Lovelace\" <ada@example.com>", "Ada Lovelace <ada@example.com>"),
            ("Anna Müller <anna@example.com>", "Anna Müller <anna@example.com>"),
            ("\"Müller, Anna\" <anna@example.com>", "\"Müller, Anna\" <anna@example.com>"),
            ("Dr. Ada (Acme): <ada@example.com>", "\"Dr. Ada (Acme):\" <ada@example.com>"),
            ("O'Neill [x] <o@example.ie>", "\"O'Neill [x]\" <o@example.ie>"),
            ("\"a \\\"b\\\" c\\\\d\" <a@example.com>", "\"a \\\"b\\\" c\\\\d\" <a@example.com>"),
            ("\"ada@home\" <ada@example.com>", "\"ada@home\" <ada@example.com>"),
        ] {
            assert_eq!(check("to", text), Ok(()), "{text}");
            assert_eq!(header(text), expected);
            assert_eq!(header(expected), expected, "it is read as it was written");
        }
    }
}
