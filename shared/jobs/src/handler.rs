//! Handlers.

use std::future::Future;

use crate::{Job, JobContext, JobError, Outcome};

/// Handler of one job type.
pub trait Handler: Send + Sync + 'static {
    /// The job type.
    type Job: Job;

    /// Runs a job. It may be called again for the same message after a failure, a crash or an expired lease, with the
    /// same `ctx.message_id`.
    ///
    /// The future is dropped at an await point when the run must end: after [`Job::TIMEOUT`], after the loss of its lease,
    /// when its message is cancelled, or when the process stops. Except for a lost lease, [`JobContext::cancelled`]
    /// completes up to 5 s earlier.
    ///
    /// # Errors
    ///
    /// See [`JobError`]. Its kind determines whether and when the message is retried.
    fn run(&self, job: Self::Job, ctx: &JobContext) -> impl Future<Output = Result<Outcome, JobError>> + Send;
}
