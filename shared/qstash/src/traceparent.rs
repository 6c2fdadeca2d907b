//! The header `traceparent` of W3C's Trace Context: <https://www.w3.org/TR/trace-context/>.

use std::fmt;

/// A trace context: `00-<trace id>-<span id>-<flags>`. Displays as the header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceparent {
    /// 32 hexadecimal digits, not all zero.
    trace_id: String,
    /// 16 hexadecimal digits, not all zero.
    span_id: String,
    /// Two hexadecimal digits; the last bit marks a recorded trace.
    flags: String,
}

impl Traceparent {
    /// Parses a header's value. For versions after 00, it reads only the fields of 00, as the standard requires.
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

    /// Returns the trace ID, which all spans of a trace share: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// Returns the span ID: 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        &self.span_id
    }

    /// Returns whether the creator of the span records it.
    pub fn is_sampled(&self) -> bool {
        self.flags.bytes().last().is_some_and(|digit| b"13579bdf".contains(&digit))
    }

    /// Returns the same trace context with this span ID.
    #[must_use]
    pub fn with_span(self, id: u64) -> Self {
        Self { span_id: format!("{id:016x}"), ..self }
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

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn another_span_is_in_the_same_trace() {
        let given = Traceparent::parse(GIVEN).expect("valid");
        assert_eq!(given.to_string(), GIVEN);
        assert!(given.is_sampled());
        let other = given.with_span(0x8123_4567_89ab_cdef);
        assert_eq!(other.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-8123456789abcdef-01");
    }

    #[test]
    fn only_what_the_standard_allows_is_a_place() {
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
        }
    }

    #[test]
    fn the_last_bit_says_that_it_is_recorded() {
        let place = |flags: &str| Traceparent::parse(&GIVEN.replace("-01", &format!("-{flags}"))).expect("valid");
        assert!(place("03").is_sampled() && place("0f").is_sampled());
        assert!(!place("00").is_sampled() && !place("02").is_sampled());
    }
}
