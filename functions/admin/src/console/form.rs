//! What a form posted: fields by name, any of them more than once.

use std::str::FromStr;

use axum::http::HeaderValue;
use url::form_urlencoded;

use super::failure::Failure;

/// The largest form, in bytes: a message of the largest size, escaped.
pub(crate) const MAX_BYTES: usize = 32 * 1024 * 1024;
/// The field with which somebody says that they mean it.
pub(crate) const CONFIRMED: &str = "confirmed";

/// The fields, in their order. Its form token has been checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posted(pub(crate) Vec<(String, String)>);

impl Posted {
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The field without spaces around it; empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.exact(name).trim()
    }

    /// The field as it is; empty when it is not there.
    pub(crate) fn exact(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }

    /// Every value of the field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The field as a whole number.
    ///
    /// # Errors
    ///
    /// It is none; the error names it.
    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.text(name).parse().map_err(|_| Failure::bad_request(format!("{name}: must be a whole number")))
    }

    /// The field as a header has it.
    ///
    /// # Errors
    ///
    /// No header can have it; the error names the field.
    pub(crate) fn header(&self, name: &str) -> Result<HeaderValue, Failure> {
        let invalid = |_| Failure::bad_request(format!("{name}: must be on one line"));
        HeaderValue::from_str(self.text(name)).map_err(invalid)
    }

    /// Whether somebody has said that they mean it.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.text(CONFIRMED) == "yes"
    }
}
