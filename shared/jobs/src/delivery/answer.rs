//! Responses to deliveries, with QStash's status codes: 2xx completes the message, 489 with its header makes it a dead
//! letter, all others are retried, after `Retry-After` if present.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sigpost_qstash::ErrorCode;
use sigpost_qstash::names::NON_RETRYABLE;
use sigpost_runtime::ApiError;
use sigpost_runtime::api_error::whole_seconds;

use super::pulse::LEASE;
use super::run::{Ended, Stop};
use crate::{Invalid, JobError};

/// `Retry-After` after a lost lease or a stop.
const SOON: Duration = Duration::from_secs(1);

/// Result of a delivery.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// Signature missing.
    MissingSignature,
    /// Signature invalid or expired.
    InvalidSignature,
    /// The signature is valid, but the job is invalid.
    Invalid(Invalid),
    /// An earlier delivery has completed the job with this recorded result.
    Duplicate(Option<Value>),
    /// Another delivery of the message is running.
    RunningElsewhere { retry_in: Duration },
    /// The database is unavailable, and the job was not run.
    NotBegun,
    /// The job was run, but its end could not be recorded.
    NotRecorded,
    /// An internal error, which is logged.
    Internal,
    /// The run lost its lease; another run may have started.
    Lost,
    /// The message was cancelled.
    Cancelled,
    /// The process is stopping.
    Stopping,
    /// The run completed.
    Done(Option<Value>),
    /// The run failed.
    Failed(JobError),
}

impl Answer {
    /// Returns the reason of a failure as a word; `None` if the job is completed.
    pub(super) fn failure(&self) -> Option<&'static str> {
        Some(match self {
            Self::Done(_) | Self::Duplicate(_) => return None,
            Self::MissingSignature | Self::InvalidSignature => "unsigned",
            Self::Invalid(_) => "invalid",
            Self::RunningElsewhere { .. } => "running_elsewhere",
            Self::NotBegun => "not_begun",
            Self::NotRecorded => "not_recorded",
            Self::Internal => "internal",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
            Self::Stopping => "stopping",
            Self::Failed(JobError::Permanent(_)) => "permanent",
            Self::Failed(JobError::Retryable(_) | JobError::RetryAfter(..)) => "retryable",
        })
    }
}

impl From<Ended> for Answer {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done(outcome) => Self::Done(outcome.0),
            Ended::Failed(error) => Self::Failed(error),
            Ended::Stopped(Stop::Lost) => Self::Lost,
            Ended::Stopped(Stop::Cancelled) => Self::Cancelled,
            Ended::Stopped(Stop::Stopping) => Self::Stopping,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::MissingSignature => rejection(ErrorCode::Unauthorized, "Missing signature"),
            Self::InvalidSignature => rejection(ErrorCode::Unauthorized, "Invalid signature"),
            Self::Invalid(invalid) => never_again(ErrorCode::JobInvalid, &invalid.to_string()),
            Self::Duplicate(None) => Json(json!({ "success": true, "duplicate": true })).into_response(),
            Self::Duplicate(Some(result)) => {
                Json(json!({ "success": true, "duplicate": true, "result": result })).into_response()
            }
            Self::RunningElsewhere { retry_in } => {
                later(ErrorCode::Conflict, retry_in, "another delivery of this message is being processed")
            }
            // No Retry-After: an outage may last longer, and the sender's backoff is appropriate.
            Self::NotBegun => {
                rejection(ErrorCode::ServiceUnavailable, "the database is unavailable, the job was not run")
            }
            // Until its lease expires the run counts as active, so an earlier retry would be rejected.
            Self::NotRecorded => {
                later(ErrorCode::ServiceUnavailable, LEASE, "the job was run, but its end could not be recorded")
            }
            Self::Internal => rejection(ErrorCode::Internal, "internal error"),
            Self::Lost => later(ErrorCode::Conflict, SOON, "the run lost its lease, another one may have started"),
            Self::Cancelled => never_again(ErrorCode::JobCancelled, "the message was cancelled"),
            Self::Stopping => later(ErrorCode::ServiceUnavailable, SOON, "the process was stopped"),
            Self::Done(None) => Json(json!({ "success": true })).into_response(),
            Self::Done(Some(result)) => Json(json!({ "success": true, "result": result })).into_response(),
            Self::Failed(JobError::Retryable(why)) => rejection(ErrorCode::JobFailed, &why),
            Self::Failed(JobError::RetryAfter(wait, why)) => later(ErrorCode::JobPostponed, wait, &why),
            Self::Failed(JobError::Permanent(why)) => never_again(ErrorCode::JobRejected, &why),
        }
    }
}

fn rejection(code: ErrorCode, error: &str) -> Response {
    ApiError::new(code, error).into_response()
}

/// Returns a response with `Retry-After` in whole seconds. It is rounded up, since a retry that is too early costs an attempt.
fn later(code: ErrorCode, wait: Duration, error: &str) -> Response {
    let mut response = rejection(code, error);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    response
}

/// Returns a response with a code of status 489.
fn never_again(code: ErrorCode, error: &str) -> Response {
    let mut response = rejection(code, error);
    response.headers_mut().insert(HeaderName::from_static(NON_RETRYABLE), HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_answer_has_its_status_header_and_body() {
        let error = |code: &str, text: &str| json!({ "error": text, "code": code });
        let s = Duration::from_millis;
        for (answer, status, retry_after, never_again, body) in [
            (Answer::MissingSignature, 401, None, false, error("unauthorized", "Missing signature")),
            (Answer::InvalidSignature, 401, None, false, error("unauthorized", "Invalid signature")),
            (
                Answer::Invalid(Invalid::new("to", "is missing")),
                489,
                None,
                true,
                error("job_invalid", "to: is missing"),
            ),
            (Answer::Duplicate(None), 200, None, false, json!({ "success": true, "duplicate": true })),
            (
                Answer::Duplicate(Some(json!(7))),
                200,
                None,
                false,
                json!({ "success": true, "duplicate": true, "result": 7 }),
            ),
            (
                Answer::RunningElsewhere { retry_in: s(12_001) },
                409,
                Some("13"),
                false,
                error("conflict", "another delivery of this message is being processed"),
            ),
            (
                Answer::NotBegun,
                503,
                None,
                false,
                error("service_unavailable", "the database is unavailable, the job was not run"),
            ),
            (
                Answer::NotRecorded,
                503,
                Some("30"),
                false,
                error("service_unavailable", "the job was run, but its end could not be recorded"),
            ),
            (Answer::Internal, 500, None, false, error("internal", "internal error")),
            (
                Answer::Lost,
                409,
                Some("1"),
                false,
                error("conflict", "the run lost its lease, another one may have started"),
            ),
            (Answer::Cancelled, 489, None, true, error("job_cancelled", "the message was cancelled")),
            (Answer::Stopping, 503, Some("1"), false, error("service_unavailable", "the process was stopped")),
            (Answer::Done(None), 200, None, false, json!({ "success": true })),
            (Answer::Done(Some(json!(7))), 200, None, false, json!({ "success": true, "result": 7 })),
            (Answer::Failed(JobError::retryable("broken")), 500, None, false, error("job_failed", "broken")),
            (
                Answer::Failed(JobError::retry_after(s(5000), "busy")),
                503,
                Some("5"),
                false,
                error("job_postponed", "busy"),
            ),
            (Answer::Failed(JobError::permanent("hopeless")), 489, None, true, error("job_rejected", "hopeless")),
        ] {
            let name = format!("{answer:?}");
            let response = answer.into_response();
            assert_eq!(response.status().as_u16(), status, "{name}");
            let header = |header: &str| response.headers().get(header).map(|value| value.to_str().expect("text"));
            assert_eq!(header("retry-after"), retry_after, "{name}");
            assert_eq!(header("upstash-nonretryable-error"), never_again.then_some("true"), "{name}");
            let bytes = axum::body::to_bytes(response.into_body(), 4096).await.expect("body");
            let mut given = serde_json::from_slice::<Value>(&bytes).expect("JSON");
            let has_id = given.as_object_mut().is_some_and(|fields| fields.remove("requestId").is_some());
            assert_eq!((given, has_id), (body, status != 200), "{name}");
        }
    }
}
