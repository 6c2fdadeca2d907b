//! Responses to deliveries, with QStash's status codes: 2xx completes the message, 489 with its header makes it a dead
//! letter, all others are retried, after `Retry-After` if present.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sigpost_qstash::names::{NON_RETRYABLE, NON_RETRYABLE_STATUS};

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
            Self::MissingSignature => refusal(StatusCode::UNAUTHORIZED, "Missing signature"),
            Self::InvalidSignature => refusal(StatusCode::UNAUTHORIZED, "Invalid signature"),
            Self::Invalid(invalid) => never_again(&invalid.to_string()),
            Self::Duplicate(None) => Json(json!({ "success": true, "duplicate": true })).into_response(),
            Self::Duplicate(Some(result)) => {
                Json(json!({ "success": true, "duplicate": true, "result": result })).into_response()
            }
            Self::RunningElsewhere { retry_in } => {
                later(StatusCode::CONFLICT, retry_in, "another delivery of this message is being processed")
            }
            // No Retry-After: an outage may last longer, and the sender's backoff is appropriate.
            Self::NotBegun => {
                refusal(StatusCode::SERVICE_UNAVAILABLE, "the database is unavailable, the job was not run")
            }
            // Until its lease expires the run counts as active, so an earlier retry would be rejected.
            Self::NotRecorded => {
                later(StatusCode::SERVICE_UNAVAILABLE, LEASE, "the job was run, but its end could not be recorded")
            }
            Self::Internal => refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
            Self::Lost => later(StatusCode::CONFLICT, SOON, "the run lost its lease, another one may have started"),
            Self::Cancelled => never_again("the message was cancelled"),
            Self::Stopping => later(StatusCode::SERVICE_UNAVAILABLE, SOON, "the process was stopped"),
            Self::Done(None) => Json(json!({ "success": true })).into_response(),
            Self::Done(Some(result)) => Json(json!({ "success": true, "result": result })).into_response(),
            Self::Failed(JobError::Retryable(why)) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &why),
            Self::Failed(JobError::RetryAfter(wait, why)) => later(StatusCode::SERVICE_UNAVAILABLE, wait, &why),
            Self::Failed(JobError::Permanent(why)) => never_again(&why),
        }
    }
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// Returns a response with `Retry-After` in whole seconds. It is rounded up, since a retry that is too early costs an attempt.
fn later(status: StatusCode, wait: Duration, error: &str) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let mut response = refusal(status, error);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn never_again(error: &str) -> Response {
    let status = StatusCode::from_u16(NON_RETRYABLE_STATUS).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = refusal(status, error);
    response.headers_mut().insert(HeaderName::from_static(NON_RETRYABLE), HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_answer_has_its_status_header_and_body() {
        let error = |text: &str| json!({ "error": text });
        let s = Duration::from_millis;
        for (answer, status, retry_after, never_again, body) in [
            (Answer::MissingSignature, 401, None, false, error("Missing signature")),
            (Answer::InvalidSignature, 401, None, false, error("Invalid signature")),
            (Answer::Invalid(Invalid::new("to", "is missing")), 489, None, true, error("to: is missing")),
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
                error("another delivery of this message is being processed"),
            ),
            (Answer::NotBegun, 503, None, false, error("the database is unavailable, the job was not run")),
            (Answer::NotRecorded, 503, Some("30"), false, error("the job was run, but its end could not be recorded")),
            (Answer::Internal, 500, None, false, error("internal error")),
            (Answer::Lost, 409, Some("1"), false, error("the run lost its lease, another one may have started")),
            (Answer::Cancelled, 489, None, true, error("the message was cancelled")),
            (Answer::Stopping, 503, Some("1"), false, error("the process was stopped")),
            (Answer::Done(None), 200, None, false, json!({ "success": true })),
            (Answer::Done(Some(json!(7))), 200, None, false, json!({ "success": true, "result": 7 })),
            (Answer::Failed(JobError::retryable("broken")), 500, None, false, error("broken")),
            (Answer::Failed(JobError::retry_after(s(5000), "busy")), 503, Some("5"), false, error("busy")),
            (Answer::Failed(JobError::permanent("hopeless")), 489, None, true, error("hopeless")),
        ] {
            let name = format!("{answer:?}");
            let response = answer.into_response();
            assert_eq!(response.status().as_u16(), status, "{name}");
            let header = |header: &str| response.headers().get(header).map(|value| value.to_str().expect("text"));
            assert_eq!(header("retry-after"), retry_after, "{name}");
            assert_eq!(header("upstash-nonretryable-error"), never_again.then_some("true"), "{name}");
            let bytes = axum::body::to_bytes(response.into_body(), 4096).await.expect("body");
            assert_eq!(serde_json::from_slice::<Value>(&bytes).expect("JSON"), body, "{name}");
        }
    }
}
