//! Close what was abandoned, delete what is old, and make room for the days to come.

use std::convert::Infallible;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::retention::{self, Deleted};
use sigpost_store::{progress, runs};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::CleanupOldData;

/// How long a run may be without a lease before it counts as abandoned: a retry would have closed it by then.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);
/// Between two records of how far the cleanup is.
const PERIOD: Duration = Duration::from_secs(1);

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

/// Records how far the cleanup is, until it has ended or lost its lease.
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
