//! Decides the outcome of an attempt. Pure functions.

use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash::{RetryDelay, default_backoff, is_non_retryable, retry_after};
use sigpost_runtime::outgoing::{Failure, Response};
use sigpost_store::record::Next;

use super::send::SendError;

/// Delay of a message that is released because this process lacked a resource.
const WITHOUT_RESOURCE: Duration = Duration::from_secs(1);

/// The message's state at the end of an attempt.
pub(super) struct Attempt<'a> {
    /// Failed attempts recorded before this one.
    pub(super) retried: u32,
    /// Attempts allowed after the first.
    pub(super) retries: u32,
    /// The sender's expression for the delay.
    pub(super) retry_delay: Option<&'a RetryDelay>,
}

/// Decides the outcome. 2xx is success; 489 with `Upstash-NonRetryable-Error: true` fails the message. If this process
/// lacked a resource, the message is released without an attempt. Everything else, including a missing response, is
/// retried while retries remain: after the delay of the response's `Retry-After` headers, else of the sender's expression,
/// else of the built-in backoff.
pub(super) fn decide(attempt: &Attempt<'_>, result: &Result<Response, SendError>, now: Timestamp) -> Next {
    match result {
        Ok(response) if (200..300).contains(&response.status) => Next::Delivered,
        Ok(response) if is_non_retryable(response.status, &response.headers) => Next::Failed,
        Err(SendError::Failed(Failure::LacksResource(_))) => Next::GivenBack(WITHOUT_RESOURCE),
        _ if attempt.retried >= attempt.retries => Next::Failed,
        _ => Next::Retry(delay(attempt, result, now)),
    }
}

fn delay(attempt: &Attempt<'_>, result: &Result<Response, SendError>, now: Timestamp) -> Duration {
    let asked_for = result.as_ref().ok().and_then(|response| retry_after(&response.headers, now));
    asked_for
        .or_else(|| attempt.retry_delay.and_then(|expression| expression.delay(attempt.retried)))
        .unwrap_or_else(|| default_backoff(attempt.retried))
}

/// Returns the error of a failed attempt for the log of events.
pub(super) fn error_text(result: &Result<Response, SendError>) -> Option<String> {
    match result {
        Ok(response) if (200..300).contains(&response.status) => None,
        Ok(response) => Some(format!("the destination returned status {}", response.status)),
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};
    use bytes::Bytes;

    use super::*;

    const FIRST: Attempt<'_> = Attempt { retried: 0, retries: 3, retry_delay: None };
    const LAST: Attempt<'_> = Attempt { retried: 3, retries: 3, retry_delay: None };

    fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Result<Response, SendError> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<HeaderMap>();
        Ok(Response { status, headers, body: Bytes::new() })
    }

    fn decided(attempt: &Attempt<'_>, result: &Result<Response, SendError>) -> Next {
        decide(attempt, result, Timestamp::UNIX_EPOCH)
    }

    fn retry_seconds(attempt: &Attempt<'_>, result: &Result<Response, SendError>) -> f64 {
        match decided(attempt, result) {
            Next::Retry(delay) => delay.as_secs_f64(),
            other => panic!("{other:?} instead of a retry"),
        }
    }

    #[test]
    fn only_2xx_delivers() {
        for status in [200, 201, 204, 299] {
            assert_eq!(decided(&FIRST, &answer(status, &[])), Next::Delivered, "{status}");
        }
        for status in [101, 302, 304, 400, 404, 429, 489, 500, 503] {
            assert!(matches!(decided(&FIRST, &answer(status, &[])), Next::Retry(_)), "{status}");
        }
    }

    #[test]
    fn failures_without_an_answer_are_tried_again() {
        let timed_out = Err(SendError::TimedOut(Duration::from_secs(1)));
        assert!(matches!(decided(&FIRST, &timed_out), Next::Retry(_)));
        assert_eq!(decided(&LAST, &timed_out), Next::Failed);
        let here = Err(SendError::Failed(Failure::LacksResource("too many open files".into())));
        assert_eq!(decided(&LAST, &here), Next::GivenBack(WITHOUT_RESOURCE));
    }

    #[test]
    fn the_last_allowed_attempt_fails_for_good() {
        let two_done = Attempt { retried: 2, ..LAST };
        assert!(matches!(decided(&two_done, &answer(500, &[])), Next::Retry(_)));
        assert_eq!(decided(&LAST, &answer(500, &[])), Next::Failed);
        assert_eq!(decided(&LAST, &answer(200, &[])), Next::Delivered);
    }

    #[test]
    fn a_non_retryable_answer_fails_at_once() {
        assert_eq!(decided(&FIRST, &answer(489, &[("upstash-nonretryable-error", "true")])), Next::Failed);
        assert!(matches!(decided(&FIRST, &answer(500, &[("upstash-nonretryable-error", "true")])), Next::Retry(_)));
    }

    #[test]
    fn the_answer_wins_over_the_expression_and_the_expression_over_the_backoff() {
        let expression = RetryDelay::parse("Upstash-Retry-Delay", "1000 * (1 + retried)").expect("expression");
        let with_expression = Attempt { retry_delay: Some(&expression), ..FIRST };
        assert_eq!(retry_seconds(&with_expression, &answer(429, &[("retry-after", "7")])), 7.0);
        assert_eq!(retry_seconds(&with_expression, &answer(429, &[("retry-after", "soon")])), 1.0);
        assert_eq!(retry_seconds(&Attempt { retried: 2, ..with_expression }, &answer(500, &[])), 3.0);
        assert_eq!(retry_seconds(&FIRST, &answer(503, &[("retry-after", "0")])), 0.0);
        assert!((retry_seconds(&FIRST, &answer(500, &[])) - 12.18).abs() < 0.01);
        assert!((retry_seconds(&Attempt { retried: 1, ..FIRST }, &answer(500, &[])) - 148.41).abs() < 0.01);
    }

    #[test]
    fn an_expression_without_a_number_falls_back_to_the_backoff() {
        let expression = RetryDelay::parse("Upstash-Retry-Delay", "1 / 0").expect("expression");
        let attempt = Attempt { retry_delay: Some(&expression), ..FIRST };
        assert!((retry_seconds(&attempt, &answer(500, &[])) - 12.18).abs() < 0.01);
    }
}
