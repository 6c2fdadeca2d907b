//! The one error of the HTTP APIs. What the caller sees (status and text) and what the log sees
//! (the cause) are kept apart: no internal text ever reaches a response.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sigpost_qstash::{ErrorBody, Invalid};

use crate::{LogLimit, outage};

/// Of a request that stores nothing, or whose repetition does no harm.
const UNAVAILABLE: &str = "the database is unavailable; try again";
/// Of a publish: the message may have been stored.
const UNAVAILABLE_TO_PUBLISH: &str =
    "the database is unavailable; try again, with a deduplication ID if nothing may be stored twice";

/// Answered as `{"error": "<text>"}`, the shape QStash's clients read.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    text: String,
    retry_after_s: Option<u64>,
}

impl ApiError {
    /// Any status with a text for the caller.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after_s: None }
    }

    /// 400: the request cannot be understood; the text names the field.
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

    /// 429: the caller may come again after this time.
    pub fn too_many(text: impl Into<String>, wait: Duration) -> Self {
        Self { retry_after_s: Some(whole_seconds(wait)), ..Self::new(StatusCode::TOO_MANY_REQUESTS, text) }
    }

    /// 500. The cause goes to the log, here and once; the caller learns nothing of it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }

    /// 503: the database is unavailable; the caller may try again in a second.
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        outage::reject(&cause);
        Self::try_again(UNAVAILABLE)
    }

    /// The same for a statement that another transaction interrupted, or that took too long: no outage.
    pub fn interrupted(cause: impl std::fmt::Display) -> Self {
        static LIMIT: LogLimit = LogLimit::new();
        if let Some(requests) = LIMIT.count() {
            tracing::warn!(requests, error = %cause, "statements were interrupted; their requests get 503");
        }
        Self::try_again(UNAVAILABLE)
    }

    /// 503: every connection for lists is in use; publishes have others.
    pub fn too_many_lists() -> Self {
        static LIMIT: LogLimit = LogLimit::new();
        if let Some(requests) = LIMIT.count() {
            tracing::warn!(requests, "too many lists at the same time; their requests get 503");
        }
        Self::try_again("too many lists at the same time; try again")
    }

    /// The same error as a publish says it: its message may have been stored.
    #[must_use]
    pub fn of_publish(mut self) -> Self {
        if self.text == UNAVAILABLE {
            self.text = UNAVAILABLE_TO_PUBLISH.into();
        }
        self
    }

    /// 503 in words of its own, without a log line.
    pub fn try_again(text: impl Into<String>) -> Self {
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text) }
    }

    /// The status that will be answered.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The text for the caller.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Rounded up: who comes again after so many does not come too early.
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
