//! The error type of the HTTP APIs. The response (status and text) and the log entry (the cause) are separate: no
//! internal text ever reaches a response.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sigpost_qstash::{ErrorBody, ErrorCode, Invalid};

use crate::{LogLimit, RequestId, outage};

/// For a request that stores nothing, or that can be repeated safely.
const UNAVAILABLE: &str = "the database is unavailable; try again";
/// For a publish: the message may have been stored.
const UNAVAILABLE_TO_PUBLISH: &str =
    "the database is unavailable; try again, with a deduplication ID if nothing may be stored twice";

/// Sent as `{"error": "<text>", "code": "<code>", "requestId": "<ID>"}`. QStash's clients read `error`.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    text: String,
    retry_after_s: Option<u64>,
}

impl ApiError {
    /// Creates an error with the status of the code and a text for the caller.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), retry_after_s: None }
    }

    /// 400: the request is invalid, but none of its fields.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, text)
    }

    /// 401, in the words of the real service.
    pub fn unauthorized() -> Self {
        Self::new(ErrorCode::Unauthorized, "unable to authenticate: invalid token")
    }

    /// 401 for a request with these headers, which have no token.
    pub fn without_token(headers: &HeaderMap) -> Self {
        let problem = if headers.contains_key(header::AUTHORIZATION) { "is invalid" } else { "is missing" };
        let text = format!("unable to authenticate: the header Authorization {problem}, expected \"Bearer <token>\"");
        Self::new(ErrorCode::Unauthorized, text)
    }

    /// 404.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, text)
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let text = format!("body: quota maxMessageSize exceeded, current limit: {limit}");
        Self::new(ErrorCode::PayloadTooLarge, text)
    }

    /// 429: the caller may retry after this time.
    pub fn too_many(text: impl Into<String>, wait: Duration) -> Self {
        Self { retry_after_s: Some(whole_seconds(wait)), ..Self::new(ErrorCode::RateLimited, text) }
    }

    /// 500. The cause is logged here, once; the response does not contain it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(request_id = %RequestId::current(), error = %cause, "request failed");
        Self::new(ErrorCode::Internal, "internal error")
    }

    /// 503: the database is unavailable; the caller may retry after a second.
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        outage::reject(&cause);
        Self::try_again(UNAVAILABLE)
    }

    /// 503 for a statement that another transaction interrupted or that timed out; this is no outage.
    pub fn interrupted(cause: impl std::fmt::Display) -> Self {
        static LIMIT: LogLimit = LogLimit::new();
        if let Some(requests) = LIMIT.count() {
            let request_id = RequestId::current();
            tracing::warn!(requests, %request_id, error = %cause, "statements were interrupted; their requests get 503");
        }
        Self::try_again(UNAVAILABLE)
    }

    /// 503: every connection for lists is in use; publishes have their own.
    pub fn too_many_lists() -> Self {
        static LIMIT: LogLimit = LogLimit::new();
        if let Some(requests) = LIMIT.count() {
            let request_id = RequestId::current();
            tracing::warn!(requests, %request_id, "too many lists at the same time; their requests get 503");
        }
        Self::try_again("too many lists at the same time; try again")
    }

    /// Replaces the text by that for a publish, whose message may have been stored.
    #[must_use]
    pub fn of_publish(mut self) -> Self {
        if self.text == UNAVAILABLE {
            self.text = UNAVAILABLE_TO_PUBLISH.into();
        }
        self
    }

    /// 503 with the given text, without a log line.
    pub fn try_again(text: impl Into<String>) -> Self {
        Self { retry_after_s: Some(1), ..Self::new(ErrorCode::ServiceUnavailable, text) }
    }

    /// Returns the code, for programs.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the text for the caller.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the body of the response to the current request.
    pub fn into_body(self) -> ErrorBody {
        ErrorBody { error: self.text, code: self.code, request_id: RequestId::current().to_string() }
    }
}

/// Returns the time in seconds, rounded up, so that a caller does not retry too early.
pub fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.code, invalid.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, retry_after_s) = (self.status(), self.retry_after_s);
        let body = self.into_body();
        // Without the text, which may contain values of the request.
        tracing::debug!(request_id = body.request_id, code = %body.code, "request rejected");
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Result, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.0.lock().expect("lock").write(bytes)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn log_line_of_an_error_has_the_request_id_of_its_response() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let id = RequestId::next();
        let body = id.clone().scope(async { ApiError::internal("the cause").into_body() }).await;
        assert_eq!((body.error.as_str(), body.request_id.as_str()), ("internal error", &*id.to_string()));
        let log = String::from_utf8(log.0.lock().expect("lock").clone()).expect("text");
        assert!(log.contains(&format!("request_id={id}")) && log.contains("the cause"), "{log}");
    }

    #[test]
    fn missing_header_and_another_scheme_have_different_errors() {
        let mut headers = HeaderMap::new();
        let text = |headers: &HeaderMap| ApiError::without_token(headers).text().to_owned();
        assert!(text(&headers).contains("the header Authorization is missing, expected \"Bearer <token>\""));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic eDp5"));
        assert!(text(&headers).contains("the header Authorization is invalid, expected \"Bearer <token>\""));
    }
}
