//! Firings that an external scheduler requests, by schedule and time: possibly late, repeated, or out of order.
//!
//! In one transaction: [`take`] locks the schedule, [`claim`] accepts each of its times once,
//! [`accept`](crate::accept) stores the messages, [`record`] writes the result. A process that fires due schedules
//! beside the external scheduler claims the times as well.

use std::collections::HashSet;
use std::marker::PhantomData;

use diesel::sql_types::{Array, Binary, Bool, Nullable, Text, Timestamptz as SqlTimestamp, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::{NullableTimestamp, ToDiesel};
use uuid::Uuid;

use crate::Error;
use crate::schedules::{Fired, Schedule, ScheduleRow};

/// A schedule whose row is locked until the end of the transaction.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The schedule.
    pub schedule: Schedule,
    /// Whether it is paused.
    pub paused: bool,
    /// When it was created, resumed or given its expression.
    pub fires_from: Timestamp,
    /// The database's clock.
    pub now: Timestamp,
}

statement! {
    Take { id: &'a str => Text } -> (
        (Text, Text, Text, Text, Binary, Text, Nullable<Text>), Bool, SqlTimestamp, SqlTimestamp,
    );
    "select id, cron, destination, parameters::text, body, catch_up, caller_ip, paused, fires_from, now()
     from schedules where id = " {id} " for update"
}

/// Locks the schedule. `None` if there is none with this ID.
///
/// # Errors
///
/// [`Error::Busy`] if another transaction holds the lock for longer than `lock_timeout`.
pub async fn take(conn: &mut AsyncPgConnection, id: &str) -> Result<Option<Taken>, Error> {
    type Row = (ScheduleRow, bool, jiff_diesel::Timestamp, jiff_diesel::Timestamp);
    let rows: Vec<Row> = Take { id, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().next().map(|(row, paused, fires_from, now)| Taken {
        schedule: row.into(),
        paused,
        fires_from: fires_from.to_jiff(),
        now: now.to_jiff(),
    }))
}

statement! {
    /// Stored among the deduplication keys, which are deleted some time after they have expired. Two days exceed all
    /// retries: those of EventBridge Scheduler last a day, and those of Lambda six hours more. A key that still
    /// exists counts even after that.
    Claim { keys: &'a [String] => Array<Text> } -> Text;
    "insert into deduplications (key, message_id, expires_at)
     select key, '00000000-0000-0000-0000-000000000000', now() + interval '2 days' from unnest(" {keys} ") as firing(key)
     on conflict (key) do nothing returning key"
}

/// Claims firings, each the ID of a schedule with a time. Returns for each whether it is new. The rows of the
/// schedules are locked.
pub async fn claim(conn: &mut AsyncPgConnection, firings: &[(&str, Timestamp)]) -> Result<Vec<bool>, Error> {
    let keys: Vec<String> = firings.iter().map(|(id, at)| format!("firing:{id}:{}", at.as_millisecond())).collect();
    let claimed: Vec<String> = Claim { keys: &keys, lifetime: PhantomData }.load(conn).await?;
    let claimed: HashSet<String> = claimed.into_iter().collect();
    Ok(keys.iter().map(|key| claimed.contains(key)).collect())
}

statement! {
    /// A late firing does not overwrite the result of a later one.
    Record {
        at: NullableTimestamp => Nullable<SqlTimestamp>,
        next: NullableTimestamp => Nullable<SqlTimestamp>,
        message_ids: Vec<Uuid> => Array<SqlUuid>,
        error: Option<&'a str> => Nullable<Text>,
        id: &'a str => Text,
    } -> Text;
    "update schedules s set
        next_fire_at = greatest(nullif(s.next_fire_at, f.at), f.next),
        last_fire_at = greatest(s.last_fire_at, f.at),
        last_message_ids = case when s.last_fire_at > f.at then s.last_message_ids else f.message_ids end,
        error = case when s.last_fire_at > f.at then s.error else f.error end
     from (values (" {at} "::timestamptz," {next} "::timestamptz," {message_ids} "::uuid[]," {error} "::text))
        as f(at, next, message_ids, error)
     where id = " {id} " returning s.id"
}

/// Writes the result of a firing of a schedule that [`take`] has locked, and the time of the next one.
pub async fn record(
    conn: &mut AsyncPgConnection,
    id: &str,
    fired: &Fired,
    next: Option<Timestamp>,
) -> Result<(), Error> {
    let published = fired.published.as_ref();
    let statement = Record {
        at: Some(fired.at).to_diesel(),
        next: next.to_diesel(),
        message_ids: published.ok().into_iter().flatten().map(|id| id.0).collect(),
        error: published.err().map(String::as_str),
        id,
        lifetime: PhantomData,
    };
    statement.load::<String>(conn).await?;
    Ok(())
}
