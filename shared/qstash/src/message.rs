//! A message as `GET /v2/messages/{id}` shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::options::is_default;
use crate::{Attempt, Body, EventState, FlowControl, Headers, MessageId, Method, spelling};

/// A message (QStash OpenAPI, `Message`). Times are unix milliseconds.
///
/// What is absent or empty is left out of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id.
    pub message_id: MessageId,
    /// The destination, verbatim.
    pub url: String,
    /// The method of its delivery.
    pub method: Method,
    /// Attempts after the first.
    pub max_retries: u32,
    /// Earliest delivery; `created_at` when it was not delayed.
    pub not_before: i64,
    /// When it was published.
    pub created_at: i64,
    /// The URL group it was published to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_name: Option<String>,
    /// The endpoint's name within the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_name: Option<String>,
    /// Its queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_name: Option<String>,
    /// The schedule that produced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<String>,
    /// `Content-Type` and forwarded headers.
    #[serde(skip_serializing_if = "Headers::is_empty")]
    pub header: Headers,
    /// What is delivered.
    #[serde(flatten)]
    pub body: Body,
    /// Told after every attempt; the URL verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
    /// What the callback gets.
    #[serde(skip_serializing_if = "Headers::is_empty")]
    pub callback_header: Headers,
    /// Told after the last failure; the URL verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_callback: Option<String>,
    /// What the failure callback gets.
    #[serde(skip_serializing_if = "Headers::is_empty")]
    pub failure_callback_header: Headers,
    /// Address of the publisher: `callerIP` and `callerIp`.
    #[serde(flatten, serialize_with = "spelling::caller_ip")]
    #[schemars(with = "spelling::CallerIp<'static>")]
    pub caller_ip: Option<String>,
    /// `label`, the first, and `labels`, all.
    #[serde(flatten, serialize_with = "spelling::labels")]
    #[schemars(with = "spelling::Labels<'static>")]
    pub labels: Vec<String>,
    /// Its flow-control keys: `flowControlKey`, `parallelism`, `rate` and `period` (whole seconds)
    /// of the first, and `flowControls`, all, when there are several.
    #[serde(flatten, serialize_with = "spelling::flow_control")]
    #[schemars(with = "spelling::FlowControls<'static>")]
    pub flow_control: Vec<FlowControl>,
    /// Higher goes first. Not in QStash; left out when 0.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub priority: i32,
    /// The retry-delay expression, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay_expression: Option<String>,
    /// The longest an attempt may take, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// How far it has come. Not in QStash, whose users ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub state: Option<EventState>,
    /// Every attempt so far, oldest first, for who asks about one message. Not in QStash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub attempts: Option<Vec<Attempt>>,
    /// The message that reports on the next attempt, or on the last one; see
    /// [`MessageId::of_callback`]. Not in QStash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub callback_message_id: Option<MessageId>,
    /// The message that reports on the failure for good, should it come to that. Not in QStash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub failure_callback_message_id: Option<MessageId>,
}

#[cfg(test)]
mod tests;
