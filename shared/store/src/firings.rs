//! A firing that somebody else asks for, by schedule and time: perhaps late, twice, or out of order.
//!
//! In one transaction: [`take`] locks the schedule, [`claim`] lets each of its times through once,
//! [`accept`](crate::accept) stores the messages, [`record`] writes what came of it. Who fires what is due
//! beside somebody who asks, claims the times as well.

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
    /// What to fire.
    pub schedule: Schedule,
    /// Its firings are skipped.
    pub paused: bool,
    /// It was created, resumed or given its expression then.
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

/// Locks the schedule. `None` when there is none with this id.
///
/// # Errors
///
/// [`Error::Busy`] when somebody else keeps it locked for longer than a statement waits.
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
    /// Among the deduplication keys, which are deleted some time after they have expired. Two days
    /// are longer than anybody repeats: EventBridge Scheduler a day, and Lambda six hours after that.
    /// A key that is still there counts even after that.
    Claim { keys: &'a [String] => Array<Text> } -> Text;
    "insert into deduplications (key, message_id, expires_at)
     select key, '00000000-0000-0000-0000-000000000000', now() + interval '2 days' from unnest(" {keys} ") as firing(key)
     on conflict (key) do nothing returning key"
}

/// Claims firings, each the id of a schedule with a time. Returns for each whether it was not claimed before. The rows
/// of the schedules are locked.
pub async fn claim(conn: &mut AsyncPgConnection, firings: &[(&str, Timestamp)]) -> Result<Vec<bool>, Error> {
    let keys: Vec<String> = firings.iter().map(|(id, at)| format!("firing:{id}:{}", at.as_millisecond())).collect();
    let claimed: Vec<String> = Claim { keys: &keys, lifetime: PhantomData }.load(conn).await?;
    let claimed: HashSet<String> = claimed.into_iter().collect();
    Ok(keys.iter().map(|key| claimed.contains(key)).collect())
}

statement! {
    /// A firing that comes after a later one changes nothing of what is shown of the last.
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

/// Writes what came of a firing of a schedule that [`take`] has locked, and when the next one is.
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
