//! Correlation of publishes, runs and follow-up jobs: correlation ID and W3C Trace Context.

use axum::http::HeaderMap;
use sigpost_qstash::names::{MAX_CORRELATION_ID_BYTES, TRACEPARENT, X_CORRELATION_ID};
use sigpost_qstash::{Invalid, Traceparent};
use sigpost_runtime::traces::{self, Operation, Span};

use crate::JobContext;

/// Correlation of a delivery. Malformed values are ignored, so that they do not fail a job.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) correlation_id: Option<String>,
    pub(crate) traceparent: Option<Traceparent>,
}

impl Trace {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            correlation_id: text(X_CORRELATION_ID).filter(|id| is_correlation_id(id)).map(str::to_owned),
            traceparent: text(TRACEPARENT).and_then(Traceparent::parse),
        }
    }
}

/// Begins the span of a run, a child of the span of the attempt.
pub(crate) fn begin(headers: &HeaderMap) -> Option<Span> {
    traces::begin(Operation::Run, || headers.get(TRACEPARENT)?.to_str().ok())
}

/// Adds the attributes of the run to its span.
pub(crate) fn describe(span: &mut Span, ctx: &JobContext, job_type: &'static str) {
    span.name(format!("run {job_type}"));
    span.message(&ctx.message_id, Some(&ctx.correlation_id));
    span.set("sigpost.job_type", job_type);
    span.set("sigpost.run_id", ctx.run_id.to_string());
    span.set("sigpost.attempt", i64::from(ctx.attempt));
}

/// Validates the correlation ID and trace context of a publish.
pub(crate) fn check(correlation_id: Option<&str>, traceparent: Option<&str>) -> Result<(), Invalid> {
    if correlation_id.is_some_and(|id| !is_correlation_id(id)) {
        return Err(Invalid::new("correlation id", "must be 1 to 128 visible ASCII characters"));
    }
    match traceparent.map(Traceparent::parse) {
        Some(None) => Err(Invalid::new("traceparent", "must be 00-<32 hex digits>-<16 hex digits>-<2 hex digits>")),
        _ => Ok(()),
    }
}

fn is_correlation_id(text: &str) -> bool {
    (1..=MAX_CORRELATION_ID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_trace_is_not_published() {
        assert!(check(None, Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")).is_ok());
        assert!(check(None, Some("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")).is_err());
    }

    #[test]
    fn malformed_headers_are_left_out() {
        let mut headers = HeaderMap::new();
        headers.insert("x-correlation-id", "order 7".parse().expect("a value"));
        headers.insert("traceparent", "x".parse().expect("a value"));
        assert_eq!(Trace::of(&headers), Trace::default());
        headers.insert("x-correlation-id", "order-7".parse().expect("a value"));
        assert_eq!(Trace::of(&headers).correlation_id.as_deref(), Some("order-7"));
    }
}
