//! One try to deliver a message.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Headers, body};

/// An attempt, as [`Message::attempts`](crate::Message::attempts) lists it. Not in QStash, whose
/// users ask for it. Times are unix milliseconds; what is absent or empty is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// When the request was sent.
    pub started_at: i64,
    /// When its end was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// How it went.
    pub state: AttemptState,
    /// Status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// Headers of the response.
    #[serde(skip_serializing_if = "Headers::is_empty")]
    pub response_header: Headers,
    /// Body of the response, possibly cut; base64 in the JSON.
    #[serde(skip_serializing_if = "Bytes::is_empty", serialize_with = "body::as_base64")]
    #[schemars(with = "String", extend("contentEncoding" = "base64"))]
    pub response_body: Bytes,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the next one is due, if there is to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_delivery_time: Option<i64>,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttemptState {
    /// It is under way.
    Active,
    /// The destination answered 2xx.
    Delivered,
    /// It failed.
    Error,
    /// It was under way when the message was cancelled.
    Canceled,
}
