//! Fields that go out under two names, because clients disagree on which to read, and lists whose
//! first entry goes out alone as well, because there was only one once.
//!
//! Each function is for `#[serde(flatten, serialize_with)]`, and the type beside it, which says
//! what the function writes, for `#[schemars(with)]`. None writes anything when there is nothing
//! to say.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::{FlowControl, Headers};

#[derive(Serialize, JsonSchema)]
pub(crate) struct CallerIp<'a> {
    /// Address of whoever published it, as Python's SDK reads it.
    #[serde(rename = "callerIP", skip_serializing_if = "Option::is_none")]
    python: Option<&'a str>,
    /// Address of whoever published it, as JavaScript's SDK reads it.
    #[serde(rename = "callerIp", skip_serializing_if = "Option::is_none")]
    javascript: Option<&'a str>,
}

/// `callerIP` for Python, `callerIp` for JavaScript.
pub(crate) fn caller_ip<S: Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let value = value.as_deref();
    CallerIp { python: value, javascript: value }.serialize(serializer)
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ResponseHeader<'a> {
    /// Headers of the response, as Python's SDK reads them.
    #[serde(rename = "responseHeader", skip_serializing_if = "Option::is_none")]
    python: Option<&'a Headers>,
    /// Headers of the response.
    #[serde(rename = "responseHeaders", skip_serializing_if = "Option::is_none")]
    openapi: Option<&'a Headers>,
}

/// `responseHeader` for Python, `responseHeaders` by the OpenAPI file.
pub(crate) fn response_header<S: Serializer>(value: &Headers, serializer: S) -> Result<S::Ok, S::Error> {
    let value = (!value.is_empty()).then_some(value);
    ResponseHeader { python: value, openapi: value }.serialize(serializer)
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct RetryDelay<'a> {
    /// The retry-delay expression, as Python's SDK reads it.
    #[serde(rename = "retryDelayExpr", skip_serializing_if = "Option::is_none")]
    python: Option<&'a str>,
    /// The retry-delay expression, verbatim.
    #[serde(rename = "retryDelayExpression", skip_serializing_if = "Option::is_none")]
    openapi: Option<&'a str>,
}

/// `retryDelayExpr` for Python, `retryDelayExpression` by the OpenAPI file.
pub(crate) fn retry_delay<S: Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let value = value.as_deref();
    RetryDelay { python: value, openapi: value }.serialize(serializer)
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Labels<'a> {
    /// The first label, for older clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    /// All labels.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    labels: &'a [String],
}

/// `label`, the first, for older clients; `labels`, all of them.
pub(crate) fn labels<S: Serializer>(labels: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    Labels { label: labels.first().map(String::as_str), labels }.serialize(serializer)
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlowControls<'a> {
    /// The flow-control key; the first, when there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_control_key: Option<&'a str>,
    /// Most attempts under way at once, by this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    parallelism: Option<u32>,
    /// Most attempts begun in one period, by this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// The period in whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    /// All keys, when there are several.
    #[serde(skip_serializing_if = "<[FlowControl]>::is_empty")]
    #[schemars(extend("x-sigpost-extension" = true))]
    flow_controls: &'a [FlowControl],
}

/// `flowControlKey`, `parallelism`, `rate` and `period` (in seconds) of the first; `flowControls`,
/// all of them, only when there are several: QStash has but one.
pub(crate) fn flow_control<S: Serializer>(flow_control: &[FlowControl], serializer: S) -> Result<S::Ok, S::Error> {
    let first = flow_control.first();
    FlowControls {
        flow_control_key: first.map(|first| first.key.as_str()),
        parallelism: first.and_then(|first| first.parallelism),
        rate: first.and_then(|first| first.rate),
        period: first.map(|first| first.period.as_secs()),
        flow_controls: if flow_control.len() > 1 { flow_control } else { &[] },
    }
    .serialize(serializer)
}
