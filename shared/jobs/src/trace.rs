//! What belongs together, over publishes, runs and follow-up jobs: a correlation id, and a trace by
//! W3C's Trace Context.

use std::fmt;

use axum::http::HeaderMap;
use sigpost_qstash::Invalid;
use uuid::Uuid;

/// The header of a correlation id; published as `Upstash-Forward-X-Correlation-Id`.
pub const X_CORRELATION_ID: &str = "X-Correlation-Id";
/// The header of a trace; published as `Upstash-Forward-Traceparent`.
pub const TRACEPARENT: &str = "Traceparent";

const MAX_CORRELATION_BYTES: usize = 128;

/// A place in a trace: `00-<trace id>-<span id>-<flags>`. Displays as the header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceparent {
    /// 32 hexadecimal digits, not all zero.
    trace_id: String,
    /// 16 hexadecimal digits, not all zero.
    span_id: String,
    /// Two hexadecimal digits; the last bit says that the trace is recorded.
    flags: String,
}

impl Traceparent {
    /// Reads a header's value. Of a version after 00 only what 00 has is read, as the standard asks.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let [version, trace_id, span_id, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let ends = version != "00" || parts.next().is_none();
        let is_id = |text: &str, digits| is_hex(text, digits) && text.bytes().any(|digit| digit != b'0');
        let valid = is_hex(version, 2) && version != "ff" && ends;
        (valid && is_id(trace_id, 32) && is_id(span_id, 16) && is_hex(flags, 2)).then(|| Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            flags: flags.to_owned(),
        })
    }

    /// What all spans of a trace have in common.
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// The same trace, with the span of a run. Its id is made of the random half of the run's.
    pub(crate) fn of_run(self, run_id: Uuid) -> Self {
        let (_, random) = run_id.as_u64_pair();
        Self { span_id: format!("{random:016x}"), ..self }
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, flags } = self;
        write!(f, "00-{trace_id}-{span_id}-{flags}")
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// What a delivery says it belongs to. What is malformed is left out: it must not cost a job its run.
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

/// Checks what a publish is to pass on.
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
    (1..=MAX_CORRELATION_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn run_is_a_span_of_the_senders_trace() {
        let given = Traceparent::parse(GIVEN).expect("valid");
        assert_eq!(given.to_string(), GIVEN);
        let run = Uuid::from_u128(0x0192_0000_0000_7000_8123_4567_89ab_cdef);
        assert_eq!(given.of_run(run).to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-8123456789abcdef-01");
    }

    #[test]
    fn only_what_the_standard_allows_is_a_trace() {
        assert!(Traceparent::parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(Traceparent::parse(wrong), None, "{wrong}");
            assert!(check(None, Some(wrong)).is_err());
        }
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
