//! Responses that prevent further attempts.

use http::HeaderMap;

use crate::names::{NON_RETRYABLE, NON_RETRYABLE_STATUS};

/// Returns whether the response fails the message without further attempts: status 489 together with
/// `Upstash-NonRetryable-Error: true` (QStash docs, "Retry"). Either one alone is an ordinary failure.
pub fn is_non_retryable(status: u16, headers: &HeaderMap) -> bool {
    status == NON_RETRYABLE_STATUS
        && headers.get(NON_RETRYABLE).is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"true"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::is_non_retryable;

    #[test]
    fn status_and_header_are_both_needed() {
        let mut headers = HeaderMap::new();
        assert!(!is_non_retryable(489, &headers));
        headers.insert("Upstash-NonRetryable-Error", HeaderValue::from_static("True"));
        assert!(is_non_retryable(489, &headers));
        assert!(!is_non_retryable(500, &headers));
        headers.insert("Upstash-NonRetryable-Error", HeaderValue::from_static("no"));
        assert!(!is_non_retryable(489, &headers));
    }
}
