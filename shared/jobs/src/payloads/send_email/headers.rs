//! Custom headers of an e-mail.

use std::collections::BTreeMap;

use crate::Invalid;
use serde::{Deserialize, Deserializer};

/// Maximum number of headers.
const MAX_HEADERS: usize = 20;
/// Maximum length of a name in bytes.
const MAX_NAME_BYTES: usize = 76;
/// Maximum length of a value in bytes: a line of RFC 5322, section 2.1.1.
const MAX_VALUE_BYTES: usize = 998;
/// Headers that other fields of the job or the mail service set.
const TAKEN: [&str; 13] = [
    "bcc",
    "cc",
    "date",
    "dkim-signature",
    "from",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
];

/// Reads headers. `null`, for all headers or for one, means absent.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let given = Option::<BTreeMap<String, Option<String>>>::deserialize(from)?.unwrap_or_default();
    Ok(given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// Checks the headers. The error names the header.
pub(super) fn check(headers: &BTreeMap<String, String>) -> Result<(), Invalid> {
    if headers.len() > MAX_HEADERS {
        return Err(Invalid::new("headers", format!("must be at most {MAX_HEADERS}")));
    }
    headers.iter().try_for_each(|(name, value)| {
        let is_name = (1..=MAX_NAME_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name {
            return Err(Invalid::new("headers", "a name must be 1 to 76 letters, digits and dashes"));
        }
        let lower = name.to_ascii_lowercase();
        if TAKEN.contains(&lower.as_str()) || lower.starts_with("content-") {
            return Err(Invalid::new(format!("headers.{name}"), "is reserved"));
        }
        let is_value = (1..=MAX_VALUE_BYTES).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !is_value {
            return Err(Invalid::new(format!("headers.{name}"), "must be 1 to 998 ASCII characters in one line"));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str, value: &str) -> Result<(), String> {
        check(&BTreeMap::from([(name.to_owned(), value.to_owned())])).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn headers_of_the_senders_own_are_accepted() {
        assert_eq!(checked("X-Order", "7"), Ok(()));
        assert_eq!(checked("List-Unsubscribe", "<https://a.example/off>, <mailto:off@a.example>"), Ok(()));
        assert_eq!(checked("In-Reply-To", "<1@a.example>"), Ok(()));
    }

    #[test]
    fn no_header_says_what_another_field_says_or_makes_a_second_one() {
        for name in ["To", "FROM", "subject", "Bcc", "Reply-To", "Content-Type"] {
            assert_eq!(checked(name, "x"), Err(format!("headers.{name}: is reserved")));
        }
        let line = "must be 1 to 998 ASCII characters in one line";
        for value in ["", "a\r\nBcc: eve@example.com", "a\nb", "é", "x\0"] {
            assert_eq!(checked("X-A", value), Err(format!("headers.X-A: {line}")));
        }
        assert_eq!(checked("X-A", &"x".repeat(999)), Err(format!("headers.X-A: {line}")));
        for name in ["", "X A", "X-A: b\r\nBcc", "Ünicode", &"X".repeat(77)] {
            assert!(checked(name, "x").expect_err(name).starts_with("headers: a name must be"));
        }
    }
}
