//! The error type of the HTTP APIs. The response (status and text) and the log entry (the cause) are separate: no
//! internal text ever reaches a response.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sigpost_qstash::{ErrorBody, Invalid};

use crate::{LogLimit, outage};

/// For a request that stores nothing, or that can be repeated safely.
const UNAVAILABLE: &str = "the database is unavailable; try again";
/// For a publish: the message may have been stored.
const UNAVAILABLE_TO_PUBLISH: &str =
    "the database is unavailable; try again, with a deduplication ID if nothing may be stored twice";

/// Sent as `{"error": "<text>"}`, the form that QStash's clients read.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    text: String,
    retry_after_s: Option<u64>,
}

impl ApiError {
    /// Creates an error with any status and a text for the caller.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after_s: None }
    }

    /// 400: the request is invalid; the text names the field.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// 401, in the words of the real service.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unable to authenticate: invalid token")
    }

    /// 404.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("body: quota maxMessageSize exceeded, current limit: {limit}"))
    }

    /// 429: the caller may retry after this time.
    pub fn too_many(text: impl Into<String>, wait: Duration) -> Self {
        Self { retry_after_s: Some(whole_seconds(wait)), ..Self::new(StatusCode::TOO_MANY_REQUESTS, text) }
    }

    /// 500. The cause is logged here, once; the response does not contain it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
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
            tracing::warn!(requests, error = %cause, "statements were interrupted; their requests get 503");
        }
        Self::try_again(UNAVAILABLE)
    }

    /// 503: every connection for lists is in use; publishes have their own.
    pub fn too_many_lists() -> Self {
        static LIMIT: LogLimit = LogLimit::new();
        if let Some(requests) = LIMIT.count() {
            tracing::warn!(requests, "too many lists at the same time; their requests get 503");
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
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text) }
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the text for the caller.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Returns the time in seconds, rounded up, so that a caller does not retry too early.
pub fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::bad_request(invalid.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorBody::new(self.text))).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
