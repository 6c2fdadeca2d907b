//! What a notification says, whoever gets it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sigpost_jobs::{Invalid, null_is_absent};

use crate::kind::texts;
use crate::{Category, Kind, metadata};

/// The longest title, in characters.
const MAX_TITLE: usize = 255;
/// The longest message, in characters.
const MAX_MESSAGE: usize = 1000;

texts! {
    /// How much it matters.
    #[derive(Default)]
    Priority {
        Critical = "critical",
        Important = "important",
        #[default]
        Info = "info",
    }
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What happened; in JSON `type`.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it is about, if not what the kind is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// How much it matters. Default `info`.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub priority: Priority,
    /// One line of 1 to 255 characters.
    pub title: String,
    /// 1 to 1000 characters.
    pub message: String,
    /// What the product shows it with; `actionUrl` is a path of the product. At most 4 KiB of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// From when on nobody needs to see it. Default: it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Event {
    /// An event of priority `info` without anything that is optional.
    pub fn new(kind: Kind, title: impl Into<String>, message: impl Into<String>) -> Self {
        let (title, message) = (title.into(), message.into());
        Self { kind, category: None, priority: Priority::default(), title, message, metadata: None, expires_at: None }
    }

    /// The errors name the field with what stands before it, such as `event.`.
    pub(crate) fn validate(&self, before: &str) -> Result<(), Invalid> {
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
