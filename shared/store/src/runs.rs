//! Runs: what a handler really did, one row of `job_executions` for each time it started a job.
//!
//! The row is also the handler's lease on the message. [`begin`] takes it, [`heartbeat`] keeps it,
//! [`finish`] gives it back; all three are one statement each, compare with the database's clock and
//! name the run's id, so that a run that was given up as dead changes nothing afterwards.
//!
//! A run is open exactly if it has a `lease_until` (a check of the table). The statements for one run
//! ask for that and not for its status: the index by status holds an entry of every run that ever was
//! open until it is vacuumed, and the planner, believing that few are, would walk over all of them.
//!
//! The record must never be the reason why a job fails: what Postgres cannot store (a zero byte, a
//! text without end) is replaced or cut.

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

/// The states of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// Under way, or its process died and nobody has noticed yet.
    Processing,
    /// The job is done.
    Completed,
    /// It is not, or not known to be.
    Failed,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Processing, Self::Completed, Self::Failed];

    /// As in the database, in logs and in answers.
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

/// A run as it is recorded.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = job_executions, check_for_backend(diesel::pg::Pg))]
pub struct Run {
    /// Its key and fence.
    pub id: Uuid,
    /// The message as it is called on the wire.
    pub message_id: String,
    /// `Job::TYPE`.
    pub job_type: String,
    /// The number of the delivery that started it, from 1.
    pub attempt: i32,
    /// Where it is.
    #[diesel(deserialize_as = String)]
    pub status: RunStatus,
    /// What the handler was given.
    pub payload: Option<Value>,
    /// What the handler had to say when it was done.
    pub result: Option<Value>,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// On whose behalf.
    pub user_id: Option<String>,
    /// For which organization.
    pub organization_id: Option<String>,
    /// Until when it is believed alive; only while processing.
    #[diesel(deserialize_as = NullableTimestamp)]
    pub lease_until: Option<Timestamp>,
    /// When it began.
    #[diesel(deserialize_as = jiff_diesel::Timestamp)]
    pub started_at: Timestamp,
    /// When it ended, well or not.
    #[diesel(deserialize_as = NullableTimestamp)]
    pub completed_at: Option<Timestamp>,
    /// When the row was written.
    #[diesel(deserialize_as = jiff_diesel::Timestamp)]
    pub created_at: Timestamp,
    /// What it belongs to.
    pub correlation_id: Option<String>,
}

/// All runs of a message, oldest first.
pub async fn find_by_message(conn: &mut AsyncPgConnection, message_id: &str) -> Result<Vec<Run>, Error> {
    Ok(job_executions::table
        .filter(job_executions::message_id.eq(message_id))
        .order((job_executions::created_at, job_executions::id))
        .select(Run::as_select())
        .load(conn)
        .await?)
}

/// The result of the message's completed run, or of the original's for a redriven message. The outer
/// `None` means that no run has completed.
pub async fn find_completed(conn: &mut AsyncPgConnection, original_id: &str) -> Result<Option<Option<Value>>, Error> {
    // As the unique index has it.
    let completed = sql::<Bool>("coalesce(original_message_id, message_id) = ")
        .bind::<Text, _>(original_id)
        .sql(" and status = 'completed'");
    Ok(job_executions::table.filter(completed).select(job_executions::result).first(conn).await.optional()?)
}
