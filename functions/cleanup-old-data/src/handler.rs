//! Close what was abandoned, delete what is old, and make room for the days to come.

use std::time::Duration;

use serde::Serialize;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::retention::{self, Deleted};
use sigpost_store::runs;

use crate::CleanupOldData;

/// How long a run may be without a lease before it counts as abandoned: a retry would have closed it by then.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// The result of the job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cleaned {
    #[serde(flatten)]
    deleted: Deleted,
    /// Runs whose process died and whose message nobody delivers any more.
    closed_runs: i64,
    /// Days of events that have a partition now and had none before.
    event_partitions_made: i32,
}

/// Cleans the deployment's database.
pub(crate) struct Cleaner;

impl Handler for Cleaner {
    type Job = CleanupOldData;

    async fn run(&self, job: CleanupOldData, ctx: &JobContext) -> Result<Outcome, JobError> {
        let database = &ctx.database;
        // First what deliveries depend on: without partitions ahead, events go where retention is slow.
        let event_partitions_made = retention::ensure_event_partitions(&mut *database.connection().await?).await?;
        let closed_runs = runs::close_abandoned(&mut *database.connection().await?, ABANDONED_AFTER).await?;
        let deleted = retention::delete_older_than(database, job.age(), |deleted| {
            tracing::debug!(?deleted, "cleaning");
        })
        .await?;
        Ok(Outcome::with(Cleaned { deleted, closed_runs, event_partitions_made }))
    }
}
