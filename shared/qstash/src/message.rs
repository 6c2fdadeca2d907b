//! A message as `GET /v2/messages/{id}` shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::options::is_default;
use crate::{Attempt, Body, EventState, FlowControl, Headers, MessageId, Method, spelling};

/// A message (QStash OpenAPI, `Message`). Times are unix milliseconds.
/// Absent or empty fields are omitted from the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id.
    pub message_id: MessageId,
    /// The destination, verbatim.
    pub url: String,
    /// The method of its deliveries.
    pub method: Method,
    /// Attempts after the first.
    pub max_retries: u32,
    /// Earliest delivery; `created_at` without a delay.
    pub not_before: i64,
    /// When it was published.
    pub created_at: i64,
    /// The URL group of the publish.
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
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub header: Headers,
    /// The body of the delivery.
    #[serde(flatten)]
    pub body: Body,
    /// URL that receives the response of every attempt, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
    /// Headers of the callback.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub callback_header: Headers,
    /// URL that receives the last failure, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_callback: Option<String>,
    /// Headers of the failure callback.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub failure_callback_header: Headers,
    /// Address of the publisher: `callerIP` and `callerIp`.
    #[serde(flatten, serialize_with = "spelling::caller_ip", deserialize_with = "spelling::read_caller_ip")]
    #[schemars(with = "spelling::CallerIp<'static>")]
    pub caller_ip: Option<String>,
    /// `label`, the first label, and `labels`, all labels.
    #[serde(flatten, serialize_with = "spelling::labels", deserialize_with = "spelling::read_labels")]
    #[schemars(with = "spelling::Labels<'static>")]
    pub labels: Vec<String>,
    /// Its flow-control keys: `flowControlKey`, `parallelism`, `rate` and `period` (whole seconds) of the first one,
    /// and `flowControls` with all of them if there are several.
    #[serde(flatten, serialize_with = "spelling::flow_control", deserialize_with = "spelling::read_flow_control")]
    #[schemars(with = "spelling::FlowControls<'static>")]
    pub flow_control: Vec<FlowControl>,
    /// Higher values first. Not in QStash; omitted if 0.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub priority: i32,
    /// The retry-delay expression, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay_expression: Option<String>,
    /// Timeout of an attempt in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// State of the message. Not in QStash, whose users request it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub state: Option<EventState>,
    /// All attempts so far, oldest first, in responses about one message. Not in QStash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub attempts: Option<Vec<Attempt>>,
    /// ID of the callback message of the next attempt, or of the last one; see [`MessageId::of_callback`]. Not in
    /// QStash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub callback_message_id: Option<MessageId>,
    /// ID of the failure callback message, which is created if the message fails. Not in QStash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub failure_callback_message_id: Option<MessageId>,
}

#[cfg(test)]
mod tests;
