//! JSON bodies of requests.

use serde::de::DeserializeOwned;

use crate::Invalid;

/// Reads a body.
///
/// # Errors
///
/// No JSON, trailing text, or a value of another type than asked for; the error names the field by
/// its path, `endpoints[1].url`, or is about `body` as a whole.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Invalid> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "body".to_owned() } else { path };
        refuse(field, error.inner())
    })?;
    deserializer.end().map_err(|error| refuse("body".to_owned(), &error))?;
    Ok(value)
}

fn refuse(field: String, error: &serde_json::Error) -> Invalid {
    if !error.is_data() {
        return Invalid::new("body", format!("is not JSON: {error}"));
    }
    // Where in the text it stands says less than the field.
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    Invalid::new(field, reason)
}
