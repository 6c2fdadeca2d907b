//! Responses of `/v2/schedules`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::options::is_default;
use crate::{Body, CatchUp, FlowControl, Headers, MessageId, Method, spelling};

/// A schedule (QStash OpenAPI, `Schedule`). Times are unix milliseconds.
/// Absent or empty fields are omitted from the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Its id.
    pub schedule_id: String,
    /// The cron expression, trimmed, with its time zone.
    pub cron: String,
    /// URL or URL group of its messages, verbatim.
    pub destination: String,
    /// The method of their deliveries.
    pub method: Method,
    /// When it was created.
    pub created_at: i64,
    /// Attempts after the first. Always present, since Python's SDK requires it.
    pub retries: u32,
    /// Whether the schedule is paused: its firings are skipped.
    pub is_paused: bool,
    /// `Content-Type` and forwarded headers.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub header: Headers,
    /// The body of the deliveries.
    #[serde(flatten)]
    pub body: Body,
    /// Delay of each message; whole **seconds** in the JSON.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_seconds")]
    #[schemars(with = "u64")]
    pub delay: Option<Duration>,
    /// Timeout of an attempt in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
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
    /// Address of its creator: `callerIP` and `callerIp`.
    #[serde(flatten, serialize_with = "spelling::caller_ip", deserialize_with = "spelling::read_caller_ip")]
    #[schemars(with = "spelling::CallerIp<'static>")]
    pub caller_ip: Option<String>,
    /// The queue of its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_name: Option<String>,
    /// The flow-control keys of its messages, see [`Message`](crate::Message).
    #[serde(flatten, serialize_with = "spelling::flow_control", deserialize_with = "spelling::read_flow_control")]
    #[schemars(with = "spelling::FlowControls<'static>")]
    pub flow_control: Vec<FlowControl>,
    /// The priority of its messages. Not in QStash; omitted if 0.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub priority: i32,
    /// The retry-delay expression, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay_expression: Option<String>,
    /// `label`, the first label, and `labels`, all labels.
    #[serde(flatten, serialize_with = "spelling::labels", deserialize_with = "spelling::read_labels")]
    #[schemars(with = "spelling::Labels<'static>")]
    pub labels: Vec<String>,
    /// Time of the last firing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_schedule_time: Option<i64>,
    /// Time of the next firing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_schedule_time: Option<i64>,
    /// States of the messages of its last firing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last_schedule_states: BTreeMap<MessageId, ScheduleState>,
    /// Why the last firing published nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Handling of missed firings. Not in QStash; omitted if it is the default.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("x-sigpost-extension" = true))]
    pub catch_up: CatchUp,
}

/// The state of a schedule's message. The set is closed: Python's SDK raises an exception for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScheduleState {
    /// Not finished.
    InProgress,
    /// Delivered.
    Success,
    /// Failed or cancelled.
    Fail,
}

/// Response of `POST /v2/schedules/{destination}`, 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleCreated {
    /// The schedule.
    pub schedule_id: String,
}

/// Response of `POST /v2/schedules/{scheduleId}/run`, 200. Not in QStash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleRun {
    /// The published messages: one, or one for each endpoint of a URL group.
    pub message_ids: Vec<MessageId>,
}

mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.unwrap_or_default().as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_secs))
    }
}

#[cfg(test)]
mod tests;
