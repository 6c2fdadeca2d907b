//! One attempt to deliver a message.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Headers, body};

/// An attempt, as [`Message::attempts`](crate::Message::attempts) lists it. QStash does not have it; its users
/// request it. Times are unix milliseconds; absent or empty fields are omitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// 1-based number.
    pub attempt: u32,
    /// When the request was sent.
    pub started_at: i64,
    /// When its outcome was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// State of the attempt.
    pub state: AttemptState,
    /// Status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// Headers of the response.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub response_header: Headers,
    /// Body of the response, possibly truncated; base64 in the JSON.
    #[serde(
        default,
        skip_serializing_if = "Bytes::is_empty",
        serialize_with = "body::as_base64",
        deserialize_with = "body::from_base64"
    )]
    #[schemars(with = "String", extend("contentEncoding" = "base64"))]
    pub response_body: Bytes,
    /// The error, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the next attempt is due, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_delivery_time: Option<i64>,
}

/// The state of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttemptState {
    /// In flight.
    Active,
    /// The destination responded with 2xx.
    Delivered,
    /// It failed.
    Error,
    /// It was in flight when the message was cancelled.
    Canceled,
}
