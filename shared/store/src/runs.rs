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
//! text without end) is replaced or cut, and the handler works with the original.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::NullableTimestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Error;
use crate::schema::job_executions;

/// The longest error text that is kept, in bytes. The dispatcher's log has the beginning as well.
const MAX_ERROR_BYTES: usize = 8 * 1024;
/// The largest result that is kept, in bytes of JSON. A result is a summary; data belongs in tables of its own.
const MAX_RESULT_BYTES: usize = 64 * 1024;
/// When to ask again after losing a race whose winner cannot be seen yet.
const AFTER_RACE: Duration = Duration::from_secs(1);

/// A run about to start.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// A fresh UUIDv7: the row's key, and the fence of everything that is written about the run.
    pub id: Uuid,
    /// The message as it is called on the wire; not necessarily one of ours.
    pub message_id: &'a str,
    /// `Job::TYPE`.
    pub job_type: &'a str,
    /// The number of the delivery, from 1.
    pub attempt: i32,
    /// What the handler was given.
    pub payload: &'a Value,
    /// On whose behalf, if the sender said so.
    pub user_id: Option<&'a str>,
    /// For which organization, if the sender said so.
    pub organization_id: Option<&'a str>,
    /// How long the run is believed alive without a heartbeat.
    pub lease: Duration,
}

/// What came of [`begin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The run is recorded and holds the lease: do the work.
    Started,
    /// An earlier run completed the message: there is nothing to do.
    AlreadyCompleted,
    /// Another run holds the lease.
    RunningElsewhere {
        /// When its lease ends unless it is prolonged.
        retry_in: Duration,
    },
}

statement! {
    /// Closes the message's run if its lease has ended, and starts a new one unless one is alive or
    /// has completed.
    ///
    /// Three things make it safe against any number of callers at once. The insert reads how many
    /// runs were closed, so it happens after the closing. It happens only if as many were closed as
    /// the statement's snapshot shows open: a run that ended or was renewed by somebody else in the
    /// same moment is not closed here, and then nothing is inserted. And what the snapshot cannot
    /// show, the unique indexes catch.
    Begin {
        id: Uuid => SqlUuid,
        message_id: &'a str => Text,
        job_type: &'a str => Text,
        attempt: i32 => Integer,
        payload: String => Text,
        user_id: Option<String> => Nullable<Text>,
        organization_id: Option<String> => Nullable<Text>,
        lease_s: f64 => Double,
    } -> (Bool, Bool, Nullable<Double>);
    "with wanted as (select " {id} " as id, " {message_id} " as message_id),
    earlier as materialized (
        select r.id, r.status, r.lease_until from job_executions r join wanted using (message_id)
        where r.status in ('processing', 'completed')
    ),
    closed as (
        update job_executions r set
            status = 'failed',
            error = 'the run''s lease expired; its process is believed dead',
            completed_at = now(),
            lease_until = null
        from earlier
        where r.id = earlier.id and r.lease_until <= now()
        returning r.id
    ),
    counted as (
        select (select count(*) from closed) as closed,
               (select count(*) from earlier where status = 'processing') as open,
               (select count(*) from earlier where status = 'completed') as completed
    ),
    started as (
        insert into job_executions
            (id, message_id, job_type, attempt, payload, user_id, organization_id, lease_until)
        select id, message_id, " {job_type} "," {attempt} "," {payload} "::jsonb," {user_id} "," {organization_id} ",
               now() + make_interval(secs => " {lease_s} ")
        from wanted, counted
        where counted.closed = counted.open and counted.completed = 0
        on conflict do nothing
        returning id
    ),
    alive as (select id, lease_until from earlier where status = 'processing' and lease_until > now())
    select exists (select from started) or exists (select from alive join wanted using (id)),
           (select completed > 0 from counted),
           (select extract(epoch from lease_until - now())::float8 from alive)"
}

/// Starts a run, or says why not. Asking again with the same id is harmless: a run that was started
/// by a statement whose answer was lost is started still.
pub async fn begin(conn: &mut AsyncPgConnection, run: &NewRun<'_>) -> Result<Begun, Error> {
    let statement = Begin {
        id: run.id,
        message_id: run.message_id,
        job_type: run.job_type,
        attempt: run.attempt,
        payload: storable_json(run.payload).to_string(),
        user_id: run.user_id.map(storable_text),
        organization_id: run.organization_id.map(storable_text),
        lease_s: run.lease.as_secs_f64(),
        lifetime: PhantomData,
    };
    let (started, completed, alive_for_s): (bool, bool, Option<f64>) = statement.get_result(conn).await?;
    let alive_for = alive_for_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(match (started, completed) {
        (true, _) => Begun::Started,
        (false, true) => Begun::AlreadyCompleted,
        (false, false) => Begun::RunningElsewhere { retry_in: alive_for.unwrap_or(AFTER_RACE) },
    })
}

/// How a run stands, as its heartbeat learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// It holds the lease, for another full length.
    Alive,
    /// It was given up as dead, or has ended: whatever it still does, another run may do too.
    Lost,
    /// Its message was cancelled: nobody wants the work any more.
    Cancelled,
}

statement! {
    Heartbeat {
        lease_s: f64 => Double,
        id: Uuid => SqlUuid,
        message: Option<Uuid> => Nullable<SqlUuid>,
    } -> (Bool, Bool);
    "with beat as (
        update job_executions set lease_until = now() + make_interval(secs => " {lease_s} ")
        where id = " {id} " and lease_until is not null
        returning id
    )
    select exists (select from beat),
           exists (select from messages where id = " {message} " and state = 'cancelled')"
}

/// Prolongs a run's lease. `message` is the id of the message if it is one of ours (`None` for
/// another dispatcher's, which cannot be found cancelled).
pub async fn heartbeat(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    message: Option<Uuid>,
    lease: Duration,
) -> Result<Pulse, Error> {
    let statement = Heartbeat { lease_s: lease.as_secs_f64(), id, message, lifetime: PhantomData };
    let (alive, cancelled): (bool, bool) = statement.get_result(conn).await?;
    Ok(match (alive, cancelled) {
        (false, _) => Pulse::Lost,
        (true, true) => Pulse::Cancelled,
        (true, false) => Pulse::Alive,
    })
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finish<'a> {
    /// Done, with what the handler has to say about it.
    Completed(Option<&'a Value>),
    /// Not done, and why, in words.
    Failed(&'a str),
}

statement! {
    /// The update is the fence. The second half makes it harmless to ask again after a lost answer.
    End {
        id: Uuid => SqlUuid,
        status: &'static str => Text,
        result: Option<String> => Nullable<Text>,
        error: Option<String> => Nullable<Text>,
    } -> Bool;
    "with wanted as (
        select " {id} " as id, " {status} "::job_execution_status as status, " {result} "::jsonb as result," {error} " as error
    ),
    ended as (
        update job_executions r set
            status = wanted.status,
            result = wanted.result,
            error = wanted.error,
            completed_at = now(),
            lease_until = null
        from wanted
        where r.id = wanted.id and r.lease_until is not null
        returning r.id
    )
    select exists (select from ended) or exists (
        select from job_executions r join wanted using (id)
        where (r.status, r.error) is not distinct from (wanted.status, wanted.error)
    )"
}

/// Records the end of a run. `false` means that the run had lost its lease and nothing was written.
/// An error text is cut to 8 KiB; of a result over 64 KiB only the size is kept.
pub async fn finish(conn: &mut AsyncPgConnection, id: Uuid, finish: Finish<'_>) -> Result<bool, Error> {
    let (status, result, error) = match finish {
        Finish::Completed(result) => ("completed", result.map(bounded_result), None),
        Finish::Failed(error) => ("failed", None, Some(bounded_error(error))),
    };
    let statement = End { id, status, result, error, lifetime: PhantomData };
    Ok(statement.get_result(conn).await?)
}

statement! {
    CloseAbandoned { grace_s: f64 => Double } -> BigInt;
    "with closed as (
        update job_executions set
            status = 'failed',
            error = 'the run''s lease expired; its process is believed dead',
            completed_at = now(),
            lease_until = null
        where status = 'processing' and lease_until <= now() - make_interval(secs => " {grace_s} ")
        returning id
    )
    select count(*) from closed"
}

/// Closes as failed what has been without a lease for at least `grace`. A retry closes its own
/// predecessor; this is for messages that nobody delivers any more. Returns how many.
pub async fn close_abandoned(conn: &mut AsyncPgConnection, grace: Duration) -> Result<i64, Error> {
    Ok(CloseAbandoned { grace_s: grace.as_secs_f64(), lifetime: PhantomData }.get_result(conn).await?)
}

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

fn bounded_error(error: &str) -> String {
    storable_text(&error[..error.floor_char_boundary(MAX_ERROR_BYTES)])
}

fn bounded_result(result: &Value) -> String {
    let text = storable_json(result).to_string();
    if text.len() <= MAX_RESULT_BYTES {
        return text;
    }
    json!({ "truncated": true, "size_bytes": text.len() }).to_string()
}

/// Postgres has no zero byte in texts.
fn storable_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn storable_json(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable_text(text)),
        Value::Array(items) => items.iter().map(storable_json).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (storable_text(name), storable_json(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_error_is_cut_at_a_character() {
        let error = format!("x{}", "é".repeat(MAX_ERROR_BYTES));
        let kept = bounded_error(&error);
        assert_eq!(kept.len(), MAX_ERROR_BYTES - 1);
        assert!(error.starts_with(&kept));
        assert_eq!(bounded_error("short"), "short");
    }

    #[test]
    fn of_a_large_result_only_the_size_is_kept() {
        let large = json!({ "rows": "x".repeat(MAX_RESULT_BYTES) });
        let size = MAX_RESULT_BYTES + r#"{"rows":""}"#.len();
        assert_eq!(bounded_result(&large), json!({ "truncated": true, "size_bytes": size }).to_string());
        assert_eq!(bounded_result(&json!({ "rows": 3 })), r#"{"rows":3}"#);
    }

    #[test]
    fn zero_bytes_are_replaced_wherever_they_are() {
        let value = json!({ "a\0": ["b\0", { "c": "d\0" }, 1, null] });
        assert_eq!(storable_json(&value), json!({ "a\u{fffd}": ["b\u{fffd}", { "c": "d\u{fffd}" }, 1, null] }));
    }
}
