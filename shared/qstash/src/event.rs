//! Events: the log of messages.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::options::is_default;
use crate::{Cursor, EventState, FlowControl, Headers, MessageId, Method, body, spelling};

/// An event (QStash OpenAPI, `Log`). Times are unix milliseconds.
///
/// Absent or empty fields are omitted from the JSON. Unlike in a [`Message`](crate::Message), bodies are always
/// base64 and the names of callback headers are plural.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Time of the event.
    pub time: i64,
    /// The message.
    pub message_id: MessageId,
    /// The event.
    pub state: EventState,
    /// The destination, verbatim.
    pub url: String,
    /// The method of the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// `Content-Type` and forwarded headers.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub header: Headers,
    /// The message's body; base64 in the JSON.
    #[serde(
        default,
        skip_serializing_if = "Bytes::is_empty",
        serialize_with = "body::as_base64",
        deserialize_with = "body::from_base64"
    )]
    #[schemars(with = "String", extend("contentEncoding" = "base64"))]
    pub body: Bytes,
    /// The error, with ERROR and FAILED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the next attempt is due, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_delivery_time: Option<i64>,
    /// The URL group of the publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_name: Option<String>,
    /// The endpoint's name within the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_name: Option<String>,
    /// The schedule that produced the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<String>,
    /// The message's queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_name: Option<String>,
    /// Status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// Headers of the response: `responseHeader` and `responseHeaders`.
    #[serde(
        flatten,
        serialize_with = "spelling::response_header",
        deserialize_with = "spelling::read_response_header"
    )]
    #[schemars(with = "spelling::ResponseHeader<'static>")]
    pub response_header: Headers,
    /// Body of the response; base64 in the JSON.
    #[serde(
        default,
        skip_serializing_if = "Bytes::is_empty",
        serialize_with = "body::as_base64",
        deserialize_with = "body::from_base64"
    )]
    #[schemars(with = "String", extend("contentEncoding" = "base64"))]
    pub response_body: Bytes,
    /// Timeout of an attempt in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// URL that receives the response of every attempt, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
    /// Headers of the callback.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub callback_headers: Headers,
    /// URL that receives the last failure, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_callback: Option<String>,
    /// Headers of the failure callback.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub failure_callback_headers: Headers,
    /// Attempts after the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// The expression, verbatim: `retryDelayExpr` and `retryDelayExpression`. In every event of its message.
    #[serde(flatten, serialize_with = "spelling::retry_delay", deserialize_with = "spelling::read_retry_delay")]
    #[schemars(with = "spelling::RetryDelay<'static>")]
    pub retry_delay_expression: Option<String>,
    /// `label`, the first label, and `labels`, all labels. In every event of their message.
    #[serde(flatten, serialize_with = "spelling::labels", deserialize_with = "spelling::read_labels")]
    #[schemars(with = "spelling::Labels<'static>")]
    pub labels: Vec<String>,
    /// The message's flow-control keys: `flowControlKey`, `parallelism`, `rate` and `period` (whole seconds) of the
    /// first one, and `flowControls` with all of them if there are several.
    #[serde(flatten, serialize_with = "spelling::flow_control", deserialize_with = "spelling::read_flow_control")]
    #[schemars(with = "spelling::FlowControls<'static>")]
    pub flow_control: Vec<FlowControl>,
    /// Higher values first. Not in QStash; omitted if 0.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub priority: i32,
    /// Address of the publisher: `callerIP` and `callerIp`.
    #[serde(flatten, serialize_with = "spelling::caller_ip", deserialize_with = "spelling::read_caller_ip")]
    #[schemars(with = "spelling::CallerIp<'static>")]
    pub caller_ip: Option<String>,
}

/// A page of `GET /v2/events` or `GET /v2/logs`, newest first by default.
///
/// The JSON contains the events twice, as `events` for the SDKs and as `logs` for the OpenAPI file. Clients may read
/// another type `T`, such as the JSON of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(with = "Shown<'static>")]
pub struct EventsPage<T = Event> {
    /// The events.
    pub events: Vec<T>,
    /// Cursor of the next page. `None` at the end: the field must then be absent, not empty.
    pub cursor: Option<Cursor>,
}

/// A page of events. The JSON contains them twice.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventsPage")]
struct Shown<'a> {
    /// The events, as the SDKs read them.
    events: &'a [Event],
    /// The same events.
    logs: &'a [Event],
    /// Cursor of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a Cursor>,
}

impl Serialize for EventsPage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown { events: &self.events, logs: &self.events, cursor: self.cursor.as_ref() }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
