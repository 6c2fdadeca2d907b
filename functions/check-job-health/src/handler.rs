//! Measure, say what it means, record it.

use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::health::{Health, Report, measure};

use crate::CheckJobHealth;

/// Checks the jobs of one deployment.
pub(crate) struct Checker;

impl Handler for Checker {
    type Job = CheckJobHealth;

    /// A bad verdict is a check that was done: the run is completed, and the log has a warning.
    async fn run(&self, job: CheckJobHealth, ctx: &JobContext) -> Result<Outcome, JobError> {
        let numbers = measure(&mut *ctx.database.connection().await?, job.window()).await?;
        let report = Report::new(numbers, job.window());
        if report.health() != Health::Healthy {
            tracing::warn!(health = ?report.health(), reasons = ?report.reasons(), "[jobs] Job health");
        }
        Ok(Outcome::with(report))
    }
}
