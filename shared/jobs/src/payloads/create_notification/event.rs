//! Content of a notification.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::kind::{Category, Kind, texts};
use super::metadata;
use crate::{Invalid, null_is_absent};

/// Maximum length of a title in characters.
const MAX_TITLE: usize = 255;
/// Maximum length of a message in characters.
const MAX_MESSAGE: usize = 1000;

texts! {
    /// Priority of a notification.
    #[derive(Default)]
    Priority {
        Critical = "critical",
        Important = "important",
        #[default]
        Info = "info",
    }
}

/// Content of a notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Kind of the notification; in JSON `type`.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Category. Default: the category of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Priority. Default `info`.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub priority: Priority,
    /// Title: one line of 1 to 255 characters.
    pub title: String,
    /// Message: 1 to 1000 characters.
    pub message: String,
    /// Data for the display in the product; `actionUrl` is a path in the product. At most 4 KiB of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// Expiry time. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Event {
    /// Creates an event with priority `info` and without optional fields.
    pub fn new(kind: Kind, title: impl Into<String>, message: impl Into<String>) -> Self {
        let (title, message) = (title.into(), message.into());
        Self { kind, category: None, priority: Priority::default(), title, message, metadata: None, expires_at: None }
    }

    /// Validates the fields. Errors name the field with the prefix `before`, such as `event.`.
    pub(super) fn validate(&self, before: &str) -> Result<(), Invalid> {
        let field = |name: &str| format!("{before}{name}");
        for (name, text, most, is_line) in
            [("title", &self.title, MAX_TITLE, true), ("message", &self.message, MAX_MESSAGE, false)]
        {
            if !(1..=most).contains(&text.chars().count()) {
                return Err(Invalid::new(field(name), format!("must be 1 to {most} characters")));
            }
            if text.chars().any(|c| c.is_control() && (is_line || !matches!(c, '\n' | '\r' | '\t'))) {
                return Err(Invalid::new(field(name), "must not contain control characters"));
            }
        }
        self.metadata.as_ref().map_or(Ok(()), |metadata| metadata::check(&field("metadata"), metadata))
    }
}
