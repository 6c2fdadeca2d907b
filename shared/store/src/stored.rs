//! Stored values, parsed again.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sigpost_qstash::MessageId;
use uuid::Uuid;

/// The fields of one message. They were validated when it was accepted: an invalid one was written by another
/// release. It is logged and replaced by its default, so that the message is delivered.
#[derive(Clone, Copy)]
pub(crate) struct Stored(pub(crate) Uuid);

impl Stored {
    /// Returns the parsed field, or its default.
    pub(crate) fn field<T: Default, E: Display>(self, name: &str, read: Result<T, E>) -> T {
        read.unwrap_or_else(|error| {
            tracing::error!(message_id = %MessageId(self.0), field = name, %error, "a stored field cannot be read");
            T::default()
        })
    }

    pub(crate) fn text<T: Default + DeserializeOwned>(self, name: &str, json: Option<String>) -> T {
        json.map(|json| self.field(name, serde_json::from_str(&json).map_err(place))).unwrap_or_default()
    }

    pub(crate) fn value<T: Default + DeserializeOwned>(self, name: &str, json: Option<Value>) -> T {
        json.map(|json| self.field(name, serde_json::from_value(json).map_err(place))).unwrap_or_default()
    }
}

/// Describes a parse error by kind and position: the error's own text may contain stored data.
fn place(error: serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
}
