//! The beginning of a run and its heartbeat.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::storable::{read_json, storable_json, storable_text};
use crate::Error;

/// When to ask again after losing a race whose winner cannot be seen yet.
const AFTER_RACE: Duration = Duration::from_secs(1);

/// A run about to start.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// A fresh UUIDv7: the row's key, and the fence of everything that is written about the run.
    pub id: Uuid,
    /// The message as it is called on the wire; not necessarily one of ours.
    pub message_id: &'a str,
    /// For a redriven message, the message that was published first.
    pub original_message_id: Option<&'a str>,
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
    /// What it belongs to; see `job_executions.correlation_id`.
    pub correlation_id: Option<&'a str>,
    /// How long the run is believed alive without a heartbeat.
    pub lease: Duration,
}

/// What came of [`begin`].
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// The run is recorded and holds the lease: do the work.
    Started,
    /// An earlier run completed the message, or the original of a redriven message: there is nothing to do.
    AlreadyCompleted(Option<Value>),
    /// Another run holds the lease.
    RunningElsewhere {
        /// When its lease ends unless it is prolonged.
        retry_in: Duration,
    },
}

/// What the record of a run says whose process went away, as SQL has it: alerts are about these.
pub(crate) const LEASE_EXPIRED: &str = "'the run''s lease expired; its process is believed dead'";

statement! {
    /// Closes the message's run if its lease has ended, and starts a new one unless one is alive or
    /// has completed. Redriven messages and their original count as one message.
    ///
    /// Three things make it safe against any number of callers at once. The insert reads how many
    /// runs were closed, so it happens after the closing. It happens only if as many were closed as
    /// the statement's snapshot shows open: a run that ended or was renewed by somebody else in the
    /// same moment is not closed here, and then nothing is inserted. And what the snapshot cannot
    /// show, the unique indexes catch.
    ///
    /// The commit does not wait for the disk (`synchronous_commit` is off for it alone). A Postgres
    /// that crashes within the second forgets the run, which then finds its lease lost and writes
    /// nothing; whatever the run has written before is in the log after this and has taken it along.
    Begin {
        id: Uuid => SqlUuid,
        message_id: &'a str => Text,
        original_message_id: Option<&'a str> => Nullable<Text>,
        job_type: &'a str => Text,
        attempt: i32 => Integer,
        payload: String => Text,
        user_id: Option<String> => Nullable<Text>,
        organization_id: Option<String> => Nullable<Text>,
        correlation_id: Option<String> => Nullable<Text>,
        lease_s: f64 => Double,
    } -> (Bool, Bool, Nullable<Text>, Nullable<Double>, Text);
    "with hurried as materialized (select set_config('synchronous_commit', 'off', true) as setting),
    wanted as (
        select id, message_id, original, coalesce(original, message_id) as key
        from (values (" {id} "::uuid, " {message_id} "::text, " {original_message_id} "::text)) as w(id, message_id, original)
    ),
    earlier as materialized (
        select r.id, r.status, r.lease_until, r.result from job_executions r
        join wanted on coalesce(r.original_message_id, r.message_id) = wanted.key
        where r.status in ('processing', 'completed')
    ),
    closed as (
        update job_executions r set
            status = 'failed',
            error = " [LEASE_EXPIRED] ",
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
            (id, message_id, original_message_id, job_type, attempt, payload, user_id, organization_id, correlation_id, lease_until)
        select id, message_id, original, " {job_type} "," {attempt} "," {payload} "::jsonb," {user_id} "," {organization_id} "," {correlation_id} ",
               now() + make_interval(secs => " {lease_s} ")
        from wanted, counted
        where counted.closed = counted.open and counted.completed = 0
        on conflict do nothing
        returning id
    ),
    alive as (select id, lease_until from earlier where status = 'processing' and lease_until > now())
    select exists (select from started) or exists (select from alive join wanted using (id)),
           (select completed > 0 from counted),
           (select result::text from earlier where status = 'completed'),
           (select extract(epoch from lease_until - now())::float8 from alive),
           (select setting from hurried)"
}

/// Starts a run, or says why not. Asking again with the same id is harmless: a run that was started
/// by a statement whose answer was lost is started still.
pub async fn begin(conn: &mut AsyncPgConnection, run: &NewRun<'_>) -> Result<Begun, Error> {
    let statement = Begin {
        id: run.id,
        message_id: run.message_id,
        original_message_id: run.original_message_id,
        job_type: run.job_type,
        attempt: run.attempt,
        payload: storable_json(run.payload).to_string(),
        user_id: run.user_id.map(storable_text),
        organization_id: run.organization_id.map(storable_text),
        correlation_id: run.correlation_id.map(storable_text),
        lease_s: run.lease.as_secs_f64(),
        lifetime: PhantomData,
    };
    let row: (bool, bool, Option<String>, Option<f64>, String) = statement.get_result(conn).await?;
    let (started, completed, result, alive_for_s, _hurried) = row;
    let alive_for = alive_for_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(match (started, completed) {
        (true, _) => Begun::Started,
        (false, true) => Begun::AlreadyCompleted(result.as_deref().map(read_json).transpose()?),
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
    /// The run's locks live as long as the run.
    Heartbeat {
        lease_s: f64 => Double,
        id: Uuid => SqlUuid,
        message: Option<Uuid> => Nullable<SqlUuid>,
    } -> (Bool, Bool);
    "with beat as (
        update job_executions set lease_until = now() + make_interval(secs => " {lease_s} ")
        where id = " {id} " and lease_until is not null
        returning id, lease_until
    ),
    locked as (update locks l set lease_until = beat.lease_until from beat where l.holder = beat.id)
    select exists (select from beat),
           exists (select from attempts where message_id = " {message} " and outcome = 'cancelled')"
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

statement! {
    CloseAbandoned { grace_s: f64 => Double } -> BigInt;
    "with closed as (
        update job_executions set
            status = 'failed',
            error = " [LEASE_EXPIRED] ",
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
