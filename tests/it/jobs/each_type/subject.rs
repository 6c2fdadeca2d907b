//! What there is to know about a type of job to try its hazards.

use axum::Router;
use serde_json::Value;
use sigpost_jobs::{Harness, Job};

use super::middle::Middle;
use crate::support::TestDatabase;

/// A type of job, and the others it talks to.
pub(super) trait Subject {
    type Job: Job;

    /// What there is when a job is done.
    const ONCE: Effects;
    /// The error of a run whose [middle](Subject::middle) never ends.
    const OVERDUE: &'static str;

    async fn new() -> Self;

    fn router(&self, harness: Harness) -> Router;

    /// Rows that are there before a job.
    async fn arrange(&self, _database: &TestDatabase) {}

    /// A job that can be done.
    fn payload(&self) -> Value;

    /// One that is none, and what the error begins with.
    fn malformed(&self) -> (Value, &'static str);

    /// Where a run can be held up.
    fn middle(&self) -> Middle<'_>;

    /// What there is now.
    async fn effects(&self, database: &TestDatabase) -> Effects;
}

/// A type with jobs that are well formed and can never be done.
pub(super) trait Hopeless: Subject {
    /// Such a job, and its error.
    async fn hopeless(&self, database: &TestDatabase) -> (Value, &'static str);
}

/// What runs have left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Rows, follow-up jobs and results: they are there exactly if a run is recorded as completed.
    pub(super) written: i64,
    /// What may be done again and is then the same: e-mails by their key, files by their name, old rows
    /// that are gone.
    pub(super) done: i64,
}

/// How many results of this type of job are recorded.
pub(super) async fn results<J: Job>(database: &TestDatabase) -> i64 {
    let sql = format!("select count(*) from job_executions where job_type = '{}' and result is not null", J::TYPE);
    database.count(&sql).await
}
