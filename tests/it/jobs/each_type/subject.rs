//! The properties of a job type that the scenarios need.

use axum::Router;
use serde_json::Value;
use sigpost_jobs::{Harness, Job};

use super::middle::Middle;
use crate::support::TestDatabase;

/// A job type and its providers.
pub(super) trait Subject {
    type Job: Job;

    /// Effects of one completed job.
    const ONCE: Effects;
    /// The error of a run that stays blocked in its [middle](Subject::middle).
    const OVERDUE: &'static str;

    async fn new() -> Self;

    fn router(&self, harness: Harness) -> Router;

    /// Inserts the rows that a job requires.
    async fn arrange(&self, _database: &TestDatabase) {}

    /// Returns a valid job.
    fn payload(&self) -> Value;

    /// Returns an invalid job and the beginning of its error.
    fn malformed(&self) -> (Value, &'static str);

    /// Returns the point where a run can be blocked.
    fn middle(&self) -> Middle<'_>;

    /// Returns the current effects.
    async fn effects(&self, database: &TestDatabase) -> Effects;
}

/// A type with valid jobs that fail permanently.
pub(super) trait Hopeless: Subject {
    /// Returns such a job and its error.
    async fn hopeless(&self, database: &TestDatabase) -> (Value, &'static str);
}

/// The effects of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Rows, follow-up jobs and results, which exist exactly if a run is recorded as completed.
    pub(super) written: i64,
    /// Idempotent effects: e-mails by key, files by name, deleted rows.
    pub(super) done: i64,
}

/// Returns the number of recorded results of this job type.
pub(super) async fn results<J: Job>(database: &TestDatabase) -> i64 {
    let sql = format!("select count(*) from job_executions where job_type = '{}' and result is not null", J::TYPE);
    database.count(&sql).await
}
