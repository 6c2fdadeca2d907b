//! Fields that go out under two names, because clients disagree on which to read, and lists whose
//! first entry goes out alone as well, because there was only one once.
//!
//! All are for `#[serde(flatten, serialize_with)]`, and none writes anything when there is
//! nothing to say.

use serde::Serializer;
use serde::ser::SerializeMap;

use crate::{FlowControl, Headers};

fn twice<S: Serializer>(
    value: Option<&(impl serde::Serialize + ?Sized)>,
    names: [&'static str; 2],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    if let Some(value) = value {
        for name in names {
            map.serialize_entry(name, value)?;
        }
    }
    map.end()
}

/// `callerIP` for Python, `callerIp` for JavaScript.
pub(crate) fn caller_ip<S: Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    twice(value.as_ref(), ["callerIP", "callerIp"], serializer)
}

/// `responseHeader` for Python, `responseHeaders` by the OpenAPI file.
pub(crate) fn response_header<S: Serializer>(value: &Headers, serializer: S) -> Result<S::Ok, S::Error> {
    let value = (!value.is_empty()).then_some(value);
    twice(value, ["responseHeader", "responseHeaders"], serializer)
}

/// `retryDelayExpr` for Python, `retryDelayExpression` by the OpenAPI file.
pub(crate) fn retry_delay<S: Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    twice(value.as_ref(), ["retryDelayExpr", "retryDelayExpression"], serializer)
}

/// `label`, the first, for older clients; `labels`, all of them.
pub(crate) fn labels<S: Serializer>(labels: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    if let Some(first) = labels.first() {
        map.serialize_entry("label", first)?;
        map.serialize_entry("labels", labels)?;
    }
    map.end()
}

/// `flowControlKey`, `parallelism`, `rate` and `period` (in seconds) of the first; `flowControls`,
/// all of them, only when there are several: QStash has but one.
pub(crate) fn flow_control<S: Serializer>(flow_control: &[FlowControl], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    if let Some(first) = flow_control.first() {
        map.serialize_entry("flowControlKey", &first.key)?;
        if let Some(parallelism) = first.parallelism {
            map.serialize_entry("parallelism", &parallelism)?;
        }
        if let Some(rate) = first.rate {
            map.serialize_entry("rate", &rate)?;
        }
        map.serialize_entry("period", &first.period.as_secs())?;
    }
    if flow_control.len() > 1 {
        map.serialize_entry("flowControls", flow_control)?;
    }
    map.end()
}
