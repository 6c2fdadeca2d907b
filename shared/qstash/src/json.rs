//! JSON bodies of requests.

use serde::Deserialize;

use crate::Invalid;

/// Parses a body.
///
/// # Errors
///
/// The text is not JSON, has trailing characters, or has a value of another type; the error names the field by its
/// path, `endpoints[1].url`, or `body` as a whole.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Invalid> {
    parse_at("", body)
}

/// Parses a part of a body, such as `[1]`, whose place precedes the fields in errors.
///
/// # Errors
///
/// As [`parse`].
pub(crate) fn parse_at<'a, T: Deserialize<'a>>(place: &str, json: &'a [u8]) -> Result<T, Invalid> {
    let whole = if place.is_empty() { "body" } else { place };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => whole.to_owned(),
            path if place.is_empty() || path.starts_with('[') => format!("{place}{path}"),
            path => format!("{place}.{path}"),
        };
        refuse(field, whole, error.inner())
    })?;
    deserializer.end().map_err(|error| refuse(whole.to_owned(), whole, &error))?;
    Ok(value)
}

fn refuse(field: String, whole: &str, error: &serde_json::Error) -> Invalid {
    if !error.is_data() {
        return Invalid::new(whole, format!("is not JSON: {error}"));
    }
    // The position in the text is less useful than the field.
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    Invalid::new(field, reason)
}
