//! Progress of an export, recorded with its run.

use std::time::Duration;

use serde_json::json;
use sigpost_jobs::{JobContext, JobError};
use sigpost_store::progress::record;
use tokio::time::Instant;

/// Minimum time between two records.
const PERIOD: Duration = Duration::from_secs(1);

/// Counts rows and records the count periodically.
pub(crate) struct Progress<'a> {
    ctx: &'a JobContext,
    rows: u64,
    recorded_at: Option<Instant>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(ctx: &'a JobContext) -> Self {
        Self { ctx, rows: 0, recorded_at: None }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds rows to the count. `bytes` is the size of the file so far.
    pub(crate) async fn add(&mut self, rows: usize, bytes: u64) -> Result<(), JobError> {
        self.rows += rows as u64;
        if self.recorded_at.is_some_and(|at| at.elapsed() < PERIOD) {
            return Ok(());
        }
        self.recorded_at = Some(Instant::now());
        let progress = json!({ "rows": self.rows, "bytes": bytes });
        let mut conn = self.ctx.database.connection().await?;
        match record(&mut conn, self.ctx.run_id, &progress).await? {
            true => Ok(()),
            false => Err(JobError::retryable("the run lost its lease")),
        }
    }
}
