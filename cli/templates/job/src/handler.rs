//! The work.

use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use crate::NewJob;

/// Does the work of one deployment.
pub(crate) struct Worker;

impl Handler for Worker {
    type Job = NewJob;

    async fn run(&self, job: NewJob, _ctx: &JobContext) -> Result<Outcome, JobError> {
        Ok(Outcome::with(format!("Hello, {}!", job.name)))
    }
}
