//! Errors of a request, for its caller.

use std::fmt;

/// Maximum of characters of a rejected value in an error.
const SHOWN_CHARS: usize = 100;

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
    /// Whether to show `reason` alone.
    verbatim: bool,
}

impl Invalid {
    /// Creates an error that reads `<field>: <reason>`.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into(), verbatim: false }
    }

    /// Creates an error that reads `<field>: <expected>, got "<text>"`, for values that are never secret.
    pub(crate) fn got(field: &str, expected: impl fmt::Display, text: &str) -> Self {
        let shown: String = text.chars().take(SHOWN_CHARS).collect();
        Self::new(field, format!("{expected}, got \"{}\"", shown.escape_debug()))
    }

    /// Creates an error that reads exactly `text`: for QStash's own texts, which people search for and programs
    /// compare.
    pub fn verbatim(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { field: field.into(), reason: text.into(), verbatim: true }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.verbatim { f.write_str(&self.reason) } else { write!(f, "{}: {}", self.field, self.reason) }
    }
}

impl std::error::Error for Invalid {}
