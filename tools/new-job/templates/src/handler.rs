//! The handler.

use sigpost_jobs::payloads::NewJob;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

/// Handler of `new-job`.
pub(crate) struct Worker;

impl Handler for Worker {
    type Job = NewJob;

    async fn run(&self, job: NewJob, _ctx: &JobContext) -> Result<Outcome, JobError> {
        Ok(Outcome::with(format!("Hello, {}!", job.name)))
    }
}
