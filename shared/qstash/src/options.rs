//! The options of a publish, without destination and body.

pub(crate) mod extension;
mod flow_control;
mod forwarded;
pub mod parameters;
pub(crate) mod parse;
pub(crate) mod scope;
#[cfg(test)]
mod tests;
pub mod unknown;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Destination, FlowControl, Headers, Invalid, Limits, Method, Params, Redact, RetryDelay, Start, milliseconds,
};

/// The options of a message, from `Upstash-*` parameters.
///
/// `None` always means "not given": defaults are the dispatcher's. Serde is for storage (callback options are stored
/// as JSON until a callback is due): absent fields are omitted and durations are whole milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// `Upstash-Method`. Default POST.
    #[serde(skip_serializing_if = "is_default")]
    pub method: Method,
    /// `Upstash-Timeout`: timeout of one attempt. Never zero. Default: the server's.
    #[serde(rename = "timeout_ms", with = "milliseconds::optional_duration", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// `Upstash-Retries`: attempts after the first. Default: the server's (QStash: 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// `Upstash-Retry-Delay`. Default: [`default_backoff`](crate::default_backoff).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<RetryDelay>,
    /// `Upstash-Not-Before`, or else `Upstash-Delay`. Default: immediately.
    #[serde(skip_serializing_if = "is_default")]
    pub start: Start,
    /// `Upstash-Deduplication-Id`, or else `Upstash-Content-Based-Deduplication`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deduplication: Option<Deduplication>,
    /// `Upstash-Sigpost-Deduplication-Window`: 1 s to 90 d. No effect without `deduplication`. Default: the server's
    /// (QStash: 10 minutes).
    #[serde(
        rename = "deduplication_window_ms",
        with = "milliseconds::optional_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub deduplication_window: Option<Duration>,
    /// `Upstash-Sigpost-Deduplication-Release-On-Failure`: whether the message may be published again as soon as it
    /// has failed. Default: the server's (QStash: no).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deduplication_release_on_failure: Option<bool>,
    /// `Upstash-Queue-Name`, a [resource name](crate::is_resource_name). Default: no queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_name: Option<String>,
    /// `Upstash-Flow-Control-Key` with its value, then, sorted by key, those of `Upstash-Sigpost-Flow-Control-Key-2`
    /// to `-8`. Each key once; all of them apply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flow_control: Vec<FlowControl>,
    /// `Upstash-Sigpost-Priority`: -1000 to 1000, higher first. Default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i32,
    /// `Upstash-Callback` and `Upstash-Callback-*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<Box<Callback>>,
    /// `Upstash-Failure-Callback` and `Upstash-Failure-Callback-*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_callback: Option<Box<Callback>>,
    /// Headers for the destination: `Content-Type`, forwarded headers.
    #[serde(skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// `Upstash-Label`: comma-separated, trimmed, without empty ones and repetitions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// `Upstash-Redact-Fields`.
    #[serde(skip_serializing_if = "Redact::is_empty")]
    pub redact: Redact,
}

impl Options {
    /// Parses the options of a publish.
    ///
    /// A parameter with an empty or blank value counts as not given; unknown parameters are ignored (see
    /// [`warnings`](unknown::warnings)), except unknown `Upstash-Sigpost-*`. Values are trimmed.
    ///
    /// # Errors
    ///
    /// A value is invalid or exceeds `limits`, or a parameter is only valid for schedules (`Upstash-Cron`,
    /// `Upstash-Schedule-Id`): a rejection is better than a partly executed request.
    pub fn parse(params: &Params, limits: &Limits, now: Timestamp) -> Result<Self, Invalid> {
        parse::message(params, limits, now)
    }
}

/// A callback: a message that reports on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The destination of the callback.
    pub url: Destination,
    /// Its options, from `Upstash-Callback-*` or `Upstash-Failure-Callback-*`.
    ///
    /// `retries` defaults to the message's own (QStash OpenAPI); other options are not inherited. `headers` are only
    /// those of `…-Forward-*`: the sender adds the content type of the body. A callback has no callbacks of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Options,
}

/// The key by which duplicates are recognized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deduplication {
    /// By this id: [`explicit_key`](crate::explicit_key). Never empty, without `:`.
    Id(String),
    /// By content: [`content_key`](crate::content_key).
    Content,
}

/// For `#[serde(skip_serializing_if)]`.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
