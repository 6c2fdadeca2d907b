//! The names of queues, URL groups and schedules.

use crate::Invalid;

/// The maximum length of a name in bytes; names are parts of index entries.
pub const MAX_BYTES: usize = 256;

/// Returns whether the text is a valid name of a queue, a URL group or a schedule: letters, digits, `.`, `_`, `-`
/// (QStash OpenAPI), at most [`MAX_BYTES`].
pub fn is_resource_name(text: &str) -> bool {
    (1..=MAX_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Returns the text if it is a valid name.
///
/// # Errors
///
/// The text is not a valid name; the error names `field`.
pub fn parse_resource_name(field: &str, text: &str) -> Result<String, Invalid> {
    if text.len() > MAX_BYTES {
        return Err(Invalid::too_long(field, MAX_BYTES, text.len()));
    }
    if !is_resource_name(text) {
        return Err(Invalid::got(field, "must be a name of letters, digits, hyphens, underscores and periods", text));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, is_resource_name, parse_resource_name};

    #[test]
    fn names_are_letters_digits_and_three_signs() {
        for name in ["a", "my-queue_1.0", "A", "9", &"x".repeat(MAX_BYTES)] {
            assert_eq!(parse_resource_name("f", name).as_deref(), Ok(name));
        }
        for text in ["", "a b", "a/b", "a:b", "ü", "a\n"] {
            assert!(!is_resource_name(text), "{text}");
            assert_eq!(
                parse_resource_name("queueName", text).unwrap_err().to_string(),
                format!("queueName: must be a name of letters, digits, hyphens, underscores and periods, got {text:?}")
            );
        }
        let long = "x".repeat(MAX_BYTES + 1);
        assert!(!is_resource_name(&long));
        assert_eq!(
            parse_resource_name("f", &long).unwrap_err().to_string(),
            "f: must not be longer than 256 bytes, got 257 bytes"
        );
    }
}
