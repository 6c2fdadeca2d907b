//! Why a job was not done, and what that means for its message.

use std::fmt::Display;
use std::time::Duration;

use crate::redact::redact;

/// The failure of a run. The text is kept with the run and goes to the dispatcher's log: it says
/// what failed in words. What looks like a secret or an e-mail address is taken out of it, and it is
/// cut to 8 KiB; see [`redact`](crate::redact()).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// Trying again may help: 500. The dispatcher retries after its own delay.
    #[error("{0}")]
    Retryable(String),
    /// Trying again helps after this time: 503 with `Retry-After`.
    #[error("{1}")]
    RetryAfter(Duration, String),
    /// Trying again never helps: 489, and the message becomes a dead letter at once.
    #[error("{0}")]
    Permanent(String),
}

impl JobError {
    /// Trying again may help.
    pub fn retryable(why: impl Display) -> Self {
        Self::Retryable(why.to_string())
    }

    /// Trying again helps after `wait`.
    pub fn retry_after(wait: Duration, why: impl Display) -> Self {
        Self::RetryAfter(wait, why.to_string())
    }

    /// Trying again never helps.
    pub fn permanent(why: impl Display) -> Self {
        Self::Permanent(why.to_string())
    }
}

impl JobError {
    /// Without what must not be kept or shown; see [`redact`](crate::redact()).
    pub(crate) fn redacted(self) -> Self {
        match self {
            Self::Retryable(why) => Self::Retryable(redact(&why)),
            Self::RetryAfter(wait, why) => Self::RetryAfter(wait, redact(&why)),
            Self::Permanent(why) => Self::Permanent(redact(&why)),
        }
    }
}

/// With its causes, in one line. A job's error that went through it keeps its kind.
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

/// The cause goes to the log: what Postgres says may hold data.
impl From<sigpost_store::Error> for JobError {
    fn from(error: sigpost_store::Error) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "the database is away from a running job");
            return Self::RetryAfter(Duration::from_secs(5), "the database is unavailable".into());
        }
        tracing::error!(%error, "the database failed a running job");
        Self::Retryable("the database refused what the job wanted of it".into())
    }
}

/// The same for whoever asks the database with diesel.
impl From<sigpost_store::DieselError> for JobError {
    fn from(error: sigpost_store::DieselError) -> Self {
        sigpost_store::Error::from(error).into()
    }
}

/// A field that turns out wrong only when the job runs.
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
