//! Values for the record of a run: bounded, and storable in Postgres.

use serde_json::{Value, json};

use crate::{DieselError, Error};

/// Maximum length of a stored error text in bytes. The dispatcher's log has its beginning as well.
const MAX_ERROR_BYTES: usize = 8 * 1024;
/// Maximum size of a stored result in bytes of JSON. A result is a summary; data belongs in tables of its own.
pub const MAX_RESULT_BYTES: usize = 64 * 1024;

pub(crate) fn bounded_error(error: &str) -> String {
    storable_text(&error[..error.floor_char_boundary(MAX_ERROR_BYTES)])
}

pub(crate) fn bounded_result(result: &Value) -> String {
    let text = storable_json(result).to_string();
    if text.len() <= MAX_RESULT_BYTES {
        return text;
    }
    json!({ "truncated": true, "size_bytes": text.len() }).to_string()
}

/// Replaces zero bytes, which Postgres texts cannot contain, with U+FFFD.
pub(crate) fn storable_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Replaces zero bytes in all texts of a value, including member names.
pub fn storable_json(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable_text(text)),
        Value::Array(items) => items.iter().map(storable_json).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (storable_text(name), storable_json(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Parses the text of a `jsonb`.
pub(crate) fn read_json(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|why| Error::Other(DieselError::DeserializationError(why.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_error_is_cut_at_a_character() {
        let error = format!("x{}", "é".repeat(MAX_ERROR_BYTES));
        let kept = bounded_error(&error);
        assert_eq!(kept.len(), MAX_ERROR_BYTES - 1);
        assert!(error.starts_with(&kept));
        assert_eq!(bounded_error("short"), "short");
    }

    #[test]
    fn of_a_large_result_only_the_size_is_kept() {
        let large = json!({ "rows": "x".repeat(MAX_RESULT_BYTES) });
        let size = MAX_RESULT_BYTES + r#"{"rows":""}"#.len();
        assert_eq!(bounded_result(&large), json!({ "truncated": true, "size_bytes": size }).to_string());
        assert_eq!(bounded_result(&json!({ "rows": 3 })), r#"{"rows":3}"#);
    }

    #[test]
    fn zero_bytes_are_replaced_wherever_they_are() {
        let value = json!({ "a\0": ["b\0", { "c": "d\0" }, 1, null] });
        assert_eq!(storable_json(&value), json!({ "a\u{fffd}": ["b\u{fffd}", { "c": "d\u{fffd}" }, 1, null] }));
    }
}
