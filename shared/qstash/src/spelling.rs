//! Fields with two names, because clients disagree on the name, and lists whose first entry also has a field of its
//! own, because older clients know only one entry.
//!
//! Each function is for `#[serde(flatten, serialize_with)]`; the type beside it describes its output for
//! `#[schemars(with)]`. None of them writes absent or empty values. The functions `read_…` are for `deserialize_with`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::flow_control::DEFAULT_PERIOD;
use crate::{FlowControl, Headers};

#[derive(Serialize, JsonSchema)]
pub(crate) struct CallerIp<'a> {
    /// Address of the publisher, for Python's SDK.
    #[serde(rename = "callerIP", skip_serializing_if = "Option::is_none")]
    python: Option<&'a str>,
    /// Address of the publisher, for JavaScript's SDK.
    #[serde(rename = "callerIp", skip_serializing_if = "Option::is_none")]
    javascript: Option<&'a str>,
}

/// `callerIP` for Python, `callerIp` for JavaScript.
pub(crate) fn caller_ip<S: Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let value = value.as_deref();
    CallerIp { python: value, javascript: value }.serialize(serializer)
}

pub(crate) fn read_caller_ip<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Read {
        #[serde(rename = "callerIP")]
        caller_ip: Option<String>,
    }
    Ok(Read::deserialize(from)?.caller_ip)
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ResponseHeader<'a> {
    /// Headers of the response, for Python's SDK.
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

pub(crate) fn read_response_header<'de, D: Deserializer<'de>>(from: D) -> Result<Headers, D::Error> {
    #[derive(Deserialize)]
    struct Read {
        #[serde(rename = "responseHeader", default)]
        response_header: Headers,
    }
    Ok(Read::deserialize(from)?.response_header)
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct RetryDelay<'a> {
    /// The retry-delay expression, for Python's SDK.
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

pub(crate) fn read_retry_delay<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Read {
        #[serde(rename = "retryDelayExpression")]
        expression: Option<String>,
    }
    Ok(Read::deserialize(from)?.expression)
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

/// `label`, the first label, for older clients; `labels`, all labels.
pub(crate) fn labels<S: Serializer>(labels: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    Labels { label: labels.first().map(String::as_str), labels }.serialize(serializer)
}

pub(crate) fn read_labels<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Read {
        #[serde(default)]
        labels: Vec<String>,
    }
    Ok(Read::deserialize(from)?.labels)
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlowControls<'a> {
    /// The flow-control key; the first one if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_control_key: Option<&'a str>,
    /// Maximum of attempts in flight for this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    parallelism: Option<u32>,
    /// Maximum of attempts started in one period for this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// The period in whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    /// All keys if there are several.
    #[serde(skip_serializing_if = "<[FlowControl]>::is_empty")]
    #[schemars(extend("x-sigpost-extension" = true))]
    flow_controls: &'a [FlowControl],
}

/// `flowControlKey`, `parallelism`, `rate` and `period` (in seconds) of the first key; `flowControls`, all keys, only
/// if there are several, since QStash has only one.
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

pub(crate) fn read_flow_control<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<FlowControl>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Read {
        flow_control_key: Option<String>,
        parallelism: Option<u32>,
        rate: Option<u32>,
        period: Option<u64>,
        #[serde(default)]
        flow_controls: Vec<FlowControl>,
    }
    let Read { flow_control_key, parallelism, rate, period, flow_controls } = Read::deserialize(from)?;
    if !flow_controls.is_empty() {
        return Ok(flow_controls);
    }
    let period = period.map_or(DEFAULT_PERIOD, Duration::from_secs);
    Ok(flow_control_key.into_iter().map(|key| FlowControl { key, parallelism, rate, period }).collect())
}
