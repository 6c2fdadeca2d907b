//! Types that maintain the deployment.

use axum::Router;
use serde_json::{Value, json};
use sigpost_jobs::Harness;
use sigpost_jobs::payloads::{CheckJobHealth, CleanupOldData};

use super::middle::Middle;
use super::subject::{Effects, Subject, results};
use crate::support::TestDatabase;

/// Expired effects of other messages, all of which must be deleted.
const OLD: i64 = 3;

pub(super) struct Cleanup;

impl Subject for Cleanup {
    type Job = CleanupOldData;

    /// The result, and the deleted rows.
    const ONCE: Effects = Effects { written: 1, done: OLD };
    const OVERDUE: &'static str = "timed out after 600s";

    async fn new() -> Self {
        Self
    }

    fn router(&self, harness: Harness) -> Router {
        cleanup_old_data::router(harness)
    }

    async fn arrange(&self, database: &TestDatabase) {
        let old = format!(
            "insert into effects (message_id, name, run_id, result, created_at)
             select 'msg_' || n, 'email', gen_random_uuid(), '1', now() - interval '40 days' from generate_series(1, {OLD}) n"
        );
        database.execute(&old).await;
    }

    fn payload(&self) -> Value {
        json!({ "retention": 30 })
    }

    fn malformed(&self) -> (Value, &'static str) {
        (json!({ "retention": 0 }), "retention: must be 1 to 3650 days")
    }

    fn middle(&self) -> Middle<'_> {
        Middle::Table("effects")
    }

    async fn effects(&self, database: &TestDatabase) -> Effects {
        let left = database.count("select count(*) from effects").await;
        Effects { written: results::<CleanupOldData>(database).await, done: OLD - left }
    }
}

pub(super) struct HealthCheck;

impl Subject for HealthCheck {
    type Job = CheckJobHealth;

    const ONCE: Effects = Effects { written: 1, done: 0 };
    const OVERDUE: &'static str = "timed out after 30s";

    async fn new() -> Self {
        Self
    }

    fn router(&self, harness: Harness) -> Router {
        check_job_health::router(check_job_health::Config::default(), harness).expect("a client")
    }

    fn payload(&self) -> Value {
        json!({ "windowSeconds": 60 })
    }

    fn malformed(&self) -> (Value, &'static str) {
        (json!({ "windowSeconds": 59 }), "windowSeconds: must be 60 to 604800")
    }

    fn middle(&self) -> Middle<'_> {
        Middle::Table("dead_letters")
    }

    async fn effects(&self, database: &TestDatabase) -> Effects {
        Effects { written: results::<CheckJobHealth>(database).await, done: 0 }
    }
}
