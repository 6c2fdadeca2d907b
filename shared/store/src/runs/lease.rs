//! Starts runs, and renews their leases by heartbeats.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::storable::{read_json, storable_json, storable_text};
use crate::Error;

/// Retry delay after a lost race whose winner is not yet visible.
const AFTER_RACE: Duration = Duration::from_secs(1);

/// A run to start.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// A new UUIDv7: the row's key, and the fencing token of the run.
    pub id: Uuid,
    /// The message ID on the wire; the message may belong to another deployment.
    pub message_id: &'a str,
    /// For a redriven message, the original message.
    pub original_message_id: Option<&'a str>,
    /// `Job::TYPE`.
    pub job_type: &'a str,
    /// The number of the delivery, from 1.
    pub attempt: i32,
    /// The payload of the job.
    pub payload: &'a Value,
    /// The user, if the sender named one.
    pub user_id: Option<&'a str>,
    /// The organization, if the sender named one.
    pub organization_id: Option<&'a str>,
    /// Correlation ID; see `job_executions.correlation_id`.
    pub correlation_id: Option<&'a str>,
    /// Length of the lease without a heartbeat.
    pub lease: Duration,
}

/// The result of [`begin`].
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// The run is recorded and holds the lease: execute the job.
    Started,
    /// An earlier run completed the message, or the original of a redriven message: skip the job.
    AlreadyCompleted(Option<Value>),
    /// Another run holds the lease.
    RunningElsewhere {
        /// Time until its lease expires without renewal.
        retry_in: Duration,
    },
}

/// The recorded error of a run whose lease expired, as an SQL literal: alerts depend on it.
pub(crate) const LEASE_EXPIRED: &str = "'the run''s lease expired; its process is believed dead'";

statement! {
    /// Closes the message's run if its lease has expired, and starts a new one unless a run is in progress or
    /// completed. Redriven messages and their original count as one message.
    ///
    /// Three properties make it safe for any number of concurrent callers. The insert reads the number of closed
    /// runs, so it happens after the closing. It happens only if as many were closed as the statement's snapshot
    /// shows open: a run that ended or was renewed concurrently is not closed here, and then nothing is inserted.
    /// Cases that the snapshot does not show violate the unique indexes.
    ///
    /// The commit does not wait for the disk (`synchronous_commit` is off for it alone). If Postgres crashes within
    /// the next second, the run is lost; it then finds its lease lost and writes nothing. Everything that the run has
    /// written before follows this commit in the WAL, and so implies it.
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

/// Starts a run, or returns why not. Idempotent: after a lost response, a call with the same ID finds the run
/// started.
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

/// The state of a run at its heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// It holds the lease, which is renewed.
    Alive,
    /// Its lease expired, or it has ended: another run may be in progress.
    Lost,
    /// Its message was cancelled.
    Cancelled,
}

statement! {
    /// The run's locks have the same lease.
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

/// Renews a run's lease. `message` is the message ID if this deployment has the message; `None` for another
/// dispatcher's, whose cancellation is not visible here.
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

/// Closes runs as failed whose lease expired at least `grace` ago. A retry closes its own predecessor; this is for
/// messages without further deliveries. Returns the number of closed runs.
pub async fn close_abandoned(conn: &mut AsyncPgConnection, grace: Duration) -> Result<i64, Error> {
    Ok(CloseAbandoned { grace_s: grace.as_secs_f64(), lifetime: PhantomData }.get_result(conn).await?)
}
