//! Who does the work, and what comes of it.

use std::future::Future;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{Job, JobContext, JobError};

/// Does the work of one type of job.
pub trait Handler: Send + Sync + 'static {
    /// The job it runs.
    type Job: Job;

    /// Runs a job. It may be called again for the same message after a failure, a crash or a lost
    /// lease; `ctx.message_id` is the same each time.
    ///
    /// The future is dropped at an await point when the run must end: after [`Job::TIMEOUT`], when its
    /// lease was lost, when its message was cancelled, when the process stops. Unless the lease is
    /// lost, [`JobContext::cancelled`] says so up to 5 s before.
    ///
    /// # Errors
    ///
    /// See [`JobError`]: its kind decides whether and when the message is delivered again.
    fn run(&self, job: Self::Job, ctx: &JobContext) -> impl Future<Output = Result<Outcome, JobError>> + Send;
}

/// What a handler has to say about a job it has done: a summary, kept with the run up to 64 KiB.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome(pub Option<Value>);

impl Outcome {
    /// Done, and nothing more to say.
    pub fn done() -> Self {
        Self(None)
    }

    /// Done, with a result.
    pub fn with(result: impl Serialize) -> Self {
        // A result that cannot be written as JSON must not turn work that is done into a failure.
        Self(Some(serde_json::to_value(result).unwrap_or_else(|why| json!({ "unserializable": why.to_string() }))))
    }
}
