//! Runs: executions of jobs by handlers, each one row of `job_executions`.
//!
//! The row is also the handler's lease on the message. [`begin`] acquires it, [`heartbeat`] renews it, and the end of
//! the run releases it; each is one statement, compares with the database's clock and names the run's ID, so that a
//! run with an expired lease changes nothing afterwards.
//!
//! A run is open exactly if it has a `lease_until` (a check constraint). Statements for one run use this condition
//! and not the status: until it is vacuumed, the index by status has an entry for every run that ever was open, and
//! the planner, expecting few, would read all of them.
//!
//! Recording never makes a job fail: data that Postgres cannot store (a zero byte, a text of excessive length) is
//! replaced or truncated.

mod finish;
mod lease;
pub(crate) mod storable;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::NullableTimestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::Error;
use crate::schema::job_executions;

pub use self::finish::{Finish, Purge, Written, end, finish};
pub(crate) use self::lease::LEASE_EXPIRED;
pub use self::lease::{Begun, NewRun, Pulse, begin, close_abandoned, heartbeat};
pub use self::storable::{MAX_RESULT_BYTES, storable_json};

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// In progress, or its process crashed and the lease has not been closed yet.
    Processing,
    /// Completed.
    Completed,
    /// Failed, or with an unknown result.
    Failed,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Processing, Self::Completed, Self::Failed];

    /// Returns the name as in the database, in logs and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl From<String> for RunStatus {
    fn from(label: String) -> Self {
        Self::ALL.into_iter().find(|status| status.as_str() == label).unwrap_or(Self::Failed)
    }
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A recorded run.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = job_executions, check_for_backend(diesel::pg::Pg))]
pub struct Run {
    /// Key and fencing token.
    pub id: Uuid,
    /// The message ID on the wire.
    pub message_id: String,
    /// `Job::TYPE`.
    pub job_type: String,
    /// The number of the delivery that started it, from 1.
    pub attempt: i32,
    /// The status.
    #[diesel(deserialize_as = String)]
    pub status: RunStatus,
    /// The payload of the job.
    pub payload: Option<Value>,
    /// The result that the handler returned.
    pub result: Option<Value>,
    /// The error.
    pub error: Option<String>,
    /// The user.
    pub user_id: Option<String>,
    /// The organization.
    pub organization_id: Option<String>,
    /// Expiry of its lease; only while processing.
    #[diesel(deserialize_as = NullableTimestamp)]
    pub lease_until: Option<Timestamp>,
    /// Start time.
    #[diesel(deserialize_as = jiff_diesel::Timestamp)]
    pub started_at: Timestamp,
    /// End time, in any status.
    #[diesel(deserialize_as = NullableTimestamp)]
    pub completed_at: Option<Timestamp>,
    /// Insertion time of the row.
    #[diesel(deserialize_as = jiff_diesel::Timestamp)]
    pub created_at: Timestamp,
    /// Correlation ID.
    pub correlation_id: Option<String>,
}

/// Returns all runs of a message, oldest first.
pub async fn find_by_message(conn: &mut AsyncPgConnection, message_id: &str) -> Result<Vec<Run>, Error> {
    Ok(job_executions::table
        .filter(job_executions::message_id.eq(message_id))
        .order((job_executions::created_at, job_executions::id))
        .select(Run::as_select())
        .load(conn)
        .await?)
}

/// Returns the result of the message's completed run, or of the original's for a redriven message. The outer `None`
/// means that no run has completed.
pub async fn find_completed(conn: &mut AsyncPgConnection, original_id: &str) -> Result<Option<Option<Value>>, Error> {
    // The expression of the unique index.
    let completed = sql::<Bool>("coalesce(original_message_id, message_id) = ")
        .bind::<Text, _>(original_id)
        .sql(" and status = 'completed'");
    Ok(job_executions::table.filter(completed).select(job_executions::result).first(conn).await.optional()?)
}
