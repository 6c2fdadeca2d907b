//! Reads the data of a template field by field. Errors name the field and do not repeat its value.

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use crate::Invalid;
use crate::payloads::address;

/// Maximum length of a text field in bytes.
const MAX_TEXT_BYTES: usize = 200;
/// Maximum length of a URL in bytes.
const MAX_URL_BYTES: usize = 2048;
/// Maximum length of a link to a file in bytes. Links signed with role credentials contain a long token.
const MAX_LINK_BYTES: usize = 8192;

/// The `data` of a job. Unknown fields are ignored.
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

impl Fields<'_> {
    /// Returns a line of text; `None` if the field is missing, null or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim(),
            Some(_) => return Err(invalid(name, "must be a string")),
        };
        if text.len() > MAX_TEXT_BYTES {
            return Err(invalid(name, format!("must not be longer than {MAX_TEXT_BYTES} bytes")));
        }
        // A line break in a subject would start the next header.
        if text.chars().any(char::is_control) {
            return Err(invalid(name, "must be one line without control characters"));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// Returns the field as read by `read`, or an error if it is missing.
    pub(super) fn required<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Self, &str) -> Result<Option<T>, Invalid>,
    ) -> Result<T, Invalid> {
        read(self, name)?.ok_or_else(|| invalid(name, "is required"))
    }

    /// Returns a time: an ISO time is formatted to the minute in UTC, any other text is unchanged.
    pub(super) fn moment(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = self.text(name)?;
        Ok(text.map(|text| match text.parse::<Timestamp>() {
            Ok(at) => at.strftime("%-d %B %Y, %H:%M UTC").to_string(),
            Err(_) => text,
        }))
    }

    /// Returns one of the allowed words.
    pub(super) fn one_of(&self, name: &str, words: &[&'static str]) -> Result<&'static str, Invalid> {
        let text = self.required(name, Self::text)?;
        let word = words.iter().find(|word| **word == text).copied();
        word.ok_or_else(|| invalid(name, format!("must be one of {}", words.join(", "))))
    }

    /// Returns an e-mail address; `None` if the field is missing.
    pub(super) fn address(&self, name: &str) -> Result<Option<String>, Invalid> {
        let address = self.text(name)?;
        if let Some(address) = &address {
            address::check(&field(name), address)?;
        }
        Ok(address)
    }

    /// Returns an http or https URL.
    pub(super) fn url(&self, name: &str) -> Result<Url, Invalid> {
        let text = self.given(name)?;
        match Url::parse(text) {
            Ok(url) if text.len() <= MAX_URL_BYTES && matches!(url.scheme(), "http" | "https") => Ok(url),
            _ => Err(invalid(name, format!("must be an http or https URL of at most {MAX_URL_BYTES} bytes"))),
        }
    }

    /// Returns an http, https or, for development, file URL.
    pub(super) fn file_url(&self, name: &str) -> Result<Url, Invalid> {
        let text = self.given(name)?;
        match Url::parse(text) {
            Ok(url) if text.len() <= MAX_LINK_BYTES && matches!(url.scheme(), "http" | "https" | "file") => Ok(url),
            _ => Err(invalid(name, format!("must be an http, https or file URL of at most {MAX_LINK_BYTES} bytes"))),
        }
    }

    fn given(&self, name: &str) -> Result<&str, Invalid> {
        match self.0.get(name) {
            None | Some(Value::Null) => Err(invalid(name, "is required")),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(invalid(name, "must be a string")),
        }
    }

    /// Returns a whole number of at least 1.
    pub(super) fn count(&self, name: &str) -> Result<u32, Invalid> {
        let number = match self.0.get(name) {
            None | Some(Value::Null) => return Err(invalid(name, "is required")),
            Some(number) => number.as_f64().unwrap_or(f64::NAN),
        };
        if number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole and within the range of u32"
            )]
            return Ok(number as u32);
        }
        Err(invalid(name, "must be a whole number of at least 1"))
    }
}

fn field(name: &str) -> String {
    format!("data.{name}")
}

fn invalid(name: &str, reason: impl Into<String>) -> Invalid {
    Invalid::new(field(name), reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data(value: &Value) -> Map<String, Value> {
        json!({ "field": value }).as_object().expect("an object").clone()
    }

    #[test]
    fn absent_null_and_empty_texts_are_none() {
        assert_eq!(Fields(&Map::new()).text("field"), Ok(None));
        for empty in [json!(null), json!(""), json!("  ")] {
            assert_eq!(Fields(&data(&empty)).text("field"), Ok(None));
        }
        assert_eq!(Fields(&data(&json!(" Ada "))).text("field"), Ok(Some("Ada".into())));
    }

    #[test]
    fn text_is_one_line_of_bounded_length() {
        for wrong in [json!("a\r\nBcc: eve@example.com"), json!("x".repeat(201)), json!(7), json!(["Ada"])] {
            let error = Fields(&data(&wrong)).text("field").expect_err("wrong").to_string();
            assert!(error.starts_with("data.field: must "), "{error}");
        }
    }

    #[test]
    fn links_are_http_or_https() {
        for good in ["https://a.example/x?y=z#w", "http://127.0.0.1:8080/"] {
            assert!(Fields(&data(&json!(good))).url("field").is_ok(), "{good}");
        }
        for wrong in ["javascript:alert(1)", "data:text/html,x", "a.example", "/path", "ftp://a.example", ""] {
            assert!(Fields(&data(&json!(wrong))).url("field").is_err(), "{wrong}");
        }
        assert_eq!(Fields(&Map::new()).url("field").expect_err("absent").to_string(), "data.field: is required");
    }

    #[test]
    fn counts_are_whole_and_positive() {
        assert_eq!(Fields(&data(&json!(60))).count("field"), Ok(60));
        assert_eq!(Fields(&data(&json!(60.0))).count("field"), Ok(60));
        for wrong in [json!(0), json!(-1), json!(0.5), json!("60"), json!(1e12), json!(true)] {
            assert!(Fields(&data(&wrong)).count("field").is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_checked() {
        assert!(Fields(&data(&json!("help@example.com"))).address("field").is_ok());
        assert!(Fields(&data(&json!("help"))).address("field").is_err());
    }
}
