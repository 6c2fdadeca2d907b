//! Fields of a posted form. A name can occur more than once.

use std::str::FromStr;

use axum::http::HeaderValue;
use url::form_urlencoded;

use super::failure::Failure;

/// Maximum size of a form in bytes: a message of the maximum size, escaped.
pub(crate) const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Field that confirms an action.
pub(crate) const CONFIRMED: &str = "confirmed";

/// The fields in their order. The form token has been checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posted(pub(crate) Vec<(String, String)>);

impl Posted {
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Returns the field without surrounding whitespace; empty if it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.exact(name).trim()
    }

    /// Returns the field unchanged; empty if it is missing.
    pub(crate) fn exact(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }

    /// Returns all values of the field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the field as a whole number.
    ///
    /// # Errors
    ///
    /// The value is not a whole number. The error names the field.
    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.text(name).parse().map_err(|_| Failure::bad_request(format!("{name}: must be a whole number")))
    }

    /// Returns the field as a header value.
    ///
    /// # Errors
    ///
    /// The value is not valid in a header. The error names the field.
    pub(crate) fn header(&self, name: &str) -> Result<HeaderValue, Failure> {
        let invalid = |_| Failure::bad_request(format!("{name}: must be a single line"));
        HeaderValue::from_str(self.text(name)).map_err(invalid)
    }

    /// Whether the action is confirmed.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.text(CONFIRMED) == "yes"
    }
}
