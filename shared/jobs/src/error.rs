//! Errors of runs and their effect on the message.

use std::fmt::Display;
use std::time::Duration;

use crate::redact::redact;

/// Failure of a run. The text is recorded with the run and in the dispatcher's log. It is truncated to 8 KiB, and secrets
/// and e-mail addresses are redacted; see [`redact`](crate::redact()).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// A retry may help: 500. The dispatcher retries after its retry delay.
    #[error("{0}")]
    Retryable(String),
    /// A retry helps after this time: 503 with `Retry-After`.
    #[error("{1}")]
    RetryAfter(Duration, String),
    /// No retry helps: 489, and the message becomes a dead letter immediately.
    #[error("{0}")]
    Permanent(String),
}

impl JobError {
    /// Returns a [`Retryable`](Self::Retryable) error.
    pub fn retryable(why: impl Display) -> Self {
        Self::Retryable(why.to_string())
    }

    /// Returns a [`RetryAfter`](Self::RetryAfter) error.
    pub fn retry_after(wait: Duration, why: impl Display) -> Self {
        Self::RetryAfter(wait, why.to_string())
    }

    /// Returns a [`Permanent`](Self::Permanent) error.
    pub fn permanent(why: impl Display) -> Self {
        Self::Permanent(why.to_string())
    }
}

impl JobError {
    /// Returns the error with a redacted text; see [`redact`](crate::redact()).
    pub(crate) fn redacted(self) -> Self {
        match self {
            Self::Retryable(why) => Self::Retryable(redact(&why)),
            Self::RetryAfter(wait, why) => Self::RetryAfter(wait, redact(&why)),
            Self::Permanent(why) => Self::Permanent(redact(&why)),
        }
    }
}

/// Converts an error with its causes to one line. A wrapped `JobError` keeps its kind.
impl From<anyhow::Error> for JobError {
    fn from(error: anyhow::Error) -> Self {
        let text = format!("{error:#}");
        match error.downcast_ref() {
            Some(Self::RetryAfter(wait, _)) => Self::RetryAfter(*wait, text),
            Some(Self::Permanent(_)) => Self::Permanent(text),
            Some(Self::Retryable(_)) | None => Self::Retryable(text),
        }
    }
}

/// Logs the cause and omits it from the text, because errors of Postgres may contain data.
impl From<sigpost_store::Error> for JobError {
    fn from(error: sigpost_store::Error) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "database unavailable during a run");
            return Self::RetryAfter(Duration::from_secs(5), "the database is unavailable".into());
        }
        tracing::error!(%error, "database error during a run");
        Self::Retryable("the database rejected a statement of the job".into())
    }
}

/// As for `sigpost_store::Error`.
impl From<sigpost_store::DieselError> for JobError {
    fn from(error: sigpost_store::DieselError) -> Self {
        sigpost_store::Error::from(error).into()
    }
}

/// For fields that are checked only during the run.
impl From<crate::Invalid> for JobError {
    fn from(invalid: crate::Invalid) -> Self {
        Self::Permanent(invalid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn kind_survives_anyhow() {
        let through = |error: anyhow::Error| JobError::from(error.context("sending"));
        assert_eq!(through(JobError::permanent("no").into()), JobError::permanent("sending: no"));
        let wait = Duration::from_secs(3);
        assert_eq!(through(JobError::retry_after(wait, "busy").into()), JobError::retry_after(wait, "sending: busy"));
        let unknown: Result<(), _> = Err(anyhow!("why")).context("reading");
        assert_eq!(through(unknown.expect_err("an error")), JobError::retryable("sending: reading: why"));
    }
}
