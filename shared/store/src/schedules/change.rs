//! Creates, replaces, pauses, resumes and deletes schedules.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz as SqlTimestamp};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::{NullableTimestamp, ToDiesel};

use super::{Schedule, next_after};
use crate::Error;

statement! {
    Now {} -> SqlTimestamp;
    "select now()"
}

async fn now(conn: &mut AsyncPgConnection) -> Result<Timestamp, Error> {
    let now: jiff_diesel::Timestamp = Now { lifetime: PhantomData }.get_result(conn).await?;
    Ok(now.to_jiff())
}

statement! {
    /// A replacement keeps the creation time, the pause and the last firing. The dispatchers are notified, since the
    /// next firing may be earlier.
    Put {
        id: &'a str => Text,
        cron: &'a str => Text,
        destination: &'a str => Text,
        parameters: String => Text,
        body: &'a [u8] => Binary,
        catch_up: &'static str => Text,
        caller_ip: Option<&'a str> => Nullable<Text>,
        next_fire_at: NullableTimestamp => Nullable<SqlTimestamp>,
        same_id: &'a str => Text,
        most: i64 => BigInt,
    } -> BigInt;
    "with stored as (
        insert into schedules as s (id, cron, destination, parameters, body, catch_up, caller_ip, next_fire_at)
        select " {id} "," {cron} "," {destination} "," {parameters} "::json," {body} "," {catch_up} "," {caller_ip} ","
               {next_fire_at} "
        where exists (select from schedules where id = " {same_id} ") or (select count(*) from schedules) < " {most} "
        on conflict (id) do update set
            version = excluded.version, cron = excluded.cron, destination = excluded.destination,
            parameters = excluded.parameters, body = excluded.body, catch_up = excluded.catch_up,
            caller_ip = excluded.caller_ip, updated_at = now(), error = null,
            next_fire_at = case when s.paused then null else excluded.next_fire_at end,
            fires_from = case when s.cron = excluded.cron then s.fires_from else now() end, mirrored_at = null
        returning id
    )
    select count(*) from stored, lateral (select pg_notify('sigpost', 'schedules')) as told"
}

/// Inserts the schedule, or replaces the one with its ID. Returns `false` if it is new and `most` schedules exist.
pub async fn put(conn: &mut AsyncPgConnection, schedule: &Schedule, most: u32) -> Result<bool, Error> {
    conn.transaction(async |conn| {
        let next_fire_at = schedule.next_after(now(conn).await?);
        let statement = Put {
            id: &schedule.id,
            cron: &schedule.cron,
            destination: &schedule.destination,
            // Texts in lists and maps cannot fail to serialize.
            parameters: serde_json::to_string(&schedule.parameters).unwrap_or_default(),
            body: &schedule.body,
            catch_up: schedule.catch_up.as_str(),
            caller_ip: schedule.caller_ip.as_deref(),
            next_fire_at: next_fire_at.to_diesel(),
            same_id: &schedule.id,
            most: i64::from(most),
            lifetime: PhantomData,
        };
        Ok(statement.get_result::<i64>(conn).await? == 1)
    })
    .await
}

statement! {
    Delete { id: &'a str => Text } -> BigInt;
    "with gone as (delete from schedules where id = " {id} " returning id) select count(*) from gone"
}

/// Deletes the schedule; its messages stay. Returns `false` if there is none with this ID.
pub async fn delete(conn: &mut AsyncPgConnection, id: &str) -> Result<bool, Error> {
    Ok(Delete { id, lifetime: PhantomData }.get_result::<i64>(conn).await? == 1)
}

statement! {
    Lock { id: &'a str => Text } -> (Text, Bool, SqlTimestamp);
    "select cron, paused, now() from schedules where id = " {id} " for update"
}

statement! {
    SetPaused {
        paused: bool => Bool,
        next_fire_at: NullableTimestamp => Nullable<SqlTimestamp>,
        id: &'a str => Text,
    } -> BigInt;
    "with changed as (
        update schedules set paused = " {paused} ", next_fire_at = " {next_fire_at} ", updated_at = now(),
                             fires_from = now(), mirrored_at = null
        where id = " {id} " returning id
    )
    select count(*) from changed, lateral (select pg_notify('sigpost', 'schedules')) as told"
}

/// Pauses or resumes the schedule. Firings during a pause are skipped: it continues with the first one from now. No
/// effect if the state is unchanged. Returns `false` if there is no schedule with this ID.
pub async fn set_paused(conn: &mut AsyncPgConnection, id: &str, paused: bool) -> Result<bool, Error> {
    type Row = (String, bool, jiff_diesel::Timestamp);
    conn.transaction(async |conn| {
        let found: Vec<Row> = Lock { id, lifetime: PhantomData }.load(conn).await?;
        let Some((cron, was_paused, now)) = found.into_iter().next() else { return Ok(false) };
        if was_paused != paused {
            let next_fire_at = if paused { None } else { next_after(&cron, now.to_jiff()) };
            let statement = SetPaused { paused, next_fire_at: next_fire_at.to_diesel(), id, lifetime: PhantomData };
            statement.get_result::<i64>(conn).await?;
        }
        Ok(true)
    })
    .await
}
