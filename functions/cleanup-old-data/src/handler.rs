//! The handler: creates partitions, closes abandoned runs and deletes old data.

use std::convert::Infallible;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use sigpost_jobs::payloads::CleanupOldData;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::retention::{self, Deleted};
use sigpost_store::{progress, runs};
use tokio::sync::watch;
use tokio::time::sleep;

/// Time after the end of its lease from which a run counts as abandoned. A retry would have closed it by then.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);
/// Minimum time between two records of the progress.
const PERIOD: Duration = Duration::from_secs(1);

/// The result of the job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cleaned {
    #[serde(flatten)]
    deleted: Deleted,
    /// Runs whose process crashed and whose message is no longer delivered.
    closed_runs: i64,
    /// Number of created event partitions, one per day.
    event_partitions_made: i32,
}

/// Handler of the deployment's database.
pub(crate) struct Cleaner;

impl Handler for Cleaner {
    type Job = CleanupOldData;

    async fn run(&self, job: CleanupOldData, ctx: &JobContext) -> Result<Outcome, JobError> {
        let database = &ctx.database;
        // Partitions first: without them events go to the default partition, where deletes are slow.
        let event_partitions_made = retention::ensure_days(&mut *database.connection().await?).await?;
        let closed_runs = runs::close_abandoned(&mut *database.connection().await?, ABANDONED_AFTER).await?;
        let (said, heard) = watch::channel(Deleted::default());
        let deleting = retention::delete_older_than(database, job.ages(), |deleted| {
            said.send_replace(*deleted);
        });
        let deleted = tokio::select! {
            deleted = deleting => deleted?,
            lost = tell(heard, ctx) => match lost {
                Err(why) => return Err(why),
                Ok(never) => match never {},
            },
        };
        Ok(Outcome::with(Cleaned { deleted, closed_runs, event_partitions_made }))
    }
}

/// Records the progress until the cleanup ends or the run loses its lease.
async fn tell(mut heard: watch::Receiver<Deleted>, ctx: &JobContext) -> Result<Infallible, JobError> {
    loop {
        if heard.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let progress = json!(*heard.borrow_and_update());
        let mut conn = ctx.database.connection().await?;
        if !progress::record(&mut conn, ctx.run_id, &progress).await? {
            return Err(JobError::retryable("the run lost its lease"));
        }
        drop(conn);
        sleep(PERIOD).await;
    }
}
