//! Errors of a request, for its caller.

use std::borrow::Cow;
use std::fmt;

use crate::ErrorCode;
use crate::names::PREFIX;

/// Maximum of characters of a rejected value in an error.
const SHOWN_CHARS: usize = 64;

/// A parameter that the caller must correct. The text is shown to the caller and names the field.
///
/// Callers match on QStash's known texts, so an error either reads `<field>: <reason>` or is one
/// of those texts word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The header, query parameter or JSON field at fault, as the caller would write it
    /// (`Upstash-Retries`).
    pub field: String,
    /// The problem of its value.
    pub reason: String,
    /// The code of its response.
    pub code: ErrorCode,
    /// Whether to show `reason` alone.
    verbatim: bool,
}

impl Invalid {
    /// Creates an error that reads `<field>: <reason>`.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        let field = field.into();
        Self { code: code_of(&field), field, reason: reason.into(), verbatim: false }
    }

    /// Creates an error that reads `<field>: <expected>, got "<value>"`, for values that are never secret.
    pub fn got(field: impl Into<String>, expected: impl fmt::Display, value: impl fmt::Display) -> Self {
        Self::new(field, format!("{expected}, got {}", quoted(&value.to_string())))
    }

    /// Creates an error about a text of `bytes` bytes.
    pub fn too_long(field: impl Into<String>, most: usize, bytes: usize) -> Self {
        Self::new(field, format!("must not be longer than {most} bytes, got {bytes} bytes"))
    }

    /// Creates an error that reads exactly `text`: for QStash's own texts, which people search for and programs
    /// compare.
    pub fn verbatim(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { verbatim: true, ..Self::new(field, text) }
    }

    /// Returns the same error of a field of a JSON body.
    #[must_use]
    pub fn in_body(self) -> Self {
        Self { code: ErrorCode::InvalidBody, ..self }
    }
}

/// Returns the code for a field by its name: only headers begin with `Upstash-`.
fn code_of(field: &str) -> ErrorCode {
    let is_header = field.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    match field {
        "body" => ErrorCode::InvalidBody,
        "destination" => ErrorCode::InvalidDestination,
        "Content-Type" => ErrorCode::InvalidHeader,
        _ if is_header => ErrorCode::InvalidHeader,
        _ => ErrorCode::InvalidParameter,
    }
}

/// Returns the value in quotes, truncated.
fn quoted(value: &str) -> String {
    format!("\"{}\"", cut(value).escape_debug())
}

/// Truncates a text to a length that can be read in an error.
pub fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.verbatim { f.write_str(&self.reason) } else { write!(f, "{}: {}", self.field, self.reason) }
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::Invalid;
    use crate::ErrorCode;

    #[test]
    fn long_value_is_cut_in_an_error() {
        for (length, shown) in [(64, "é".repeat(64)), (65, format!("{}…", "é".repeat(64)))] {
            let error = Invalid::got("Upstash-Delay", "must be a duration", "é".repeat(length));
            assert_eq!(error.to_string(), format!("Upstash-Delay: must be a duration, got \"{shown}\""));
        }
    }

    #[test]
    fn code_follows_from_the_place_of_the_field() {
        for (field, code) in [
            ("Upstash-Delay", ErrorCode::InvalidHeader),
            ("upstash-label", ErrorCode::InvalidHeader),
            ("Content-Type", ErrorCode::InvalidHeader),
            ("count", ErrorCode::InvalidParameter),
            ("destination", ErrorCode::InvalidDestination),
            ("body", ErrorCode::InvalidBody),
        ] {
            assert_eq!(Invalid::new(field, "is missing").code, code, "{field}");
        }
        assert_eq!(Invalid::new("queueName", "is missing").in_body().code, ErrorCode::InvalidBody);
    }
}
