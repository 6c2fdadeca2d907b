//! The daily partitions of messages and attempts.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Integer, Nullable, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{BATCH, Batch, Cutoff};
use crate::{Database, Error};

/// Days ahead for which partitions exist. The cleanup runs daily; a week covers a week without it.
const DAYS_AHEAD: i32 = 7;

statement! {
    CreateDays { days_ahead: i32 => Integer } -> Integer;
    "select create_day_partitions(" {days_ahead} ")"
}

/// Creates missing partitions of today and the coming week. Returns the number of created ones.
pub async fn ensure_days(conn: &mut AsyncPgConnection) -> Result<i32, Error> {
    Ok(CreateDays { days_ahead: DAYS_AHEAD, lifetime: PhantomData }.get_result(conn).await?)
}

/// The rows of a dropped day.
#[derive(Clone, Copy, Debug, diesel::Queryable)]
pub(super) struct DroppedDay {
    pub(super) messages: i64,
    pub(super) dead_letters: i64,
}

statement! {
    DropOldestDay { before_ms: i64 => BigInt } -> (BigInt, BigInt);
    "select messages, dead_letters from drop_oldest_day(to_timestamp(" {before_ms} " / 1000.0))"
}

/// Drops the oldest day that ended before the cutoff. `None` if there is none.
pub(super) async fn drop_oldest_day(database: &Database, cutoff: Cutoff) -> Result<Option<DroppedDay>, Error> {
    let statement = DropOldestDay { before_ms: cutoff.at_ms, lifetime: PhantomData };
    let dropped: Vec<DroppedDay> = statement.load(&mut database.connection().await?).await?;
    Ok(dropped.into_iter().next())
}

statement! {
    DropPastEvents { before_ms: i64 => BigInt } -> Integer;
    "select drop_past_events(to_timestamp(" {before_ms} " / 1000.0))"
}

pub(super) async fn drop_past_events(database: &Database, cutoff: Cutoff) -> Result<i32, Error> {
    let statement = DropPastEvents { before_ms: cutoff.at_ms, lifetime: PhantomData };
    Ok(statement.get_result(&mut database.connection().await?).await?)
}

statement! {
    DeleteMessages {
        after: Uuid => SqlUuid,
        before: Uuid => SqlUuid,
        before_ms: i64 => BigInt,
        most: i64 => BigInt,
    } -> (BigInt, BigInt, Nullable<SqlUuid>);
    file "messages.sql"
}

/// Deletes a batch of the IDs after this one, of messages in no partition of a day.
pub(super) async fn delete_messages(database: &Database, cutoff: Cutoff, after: Uuid) -> Result<Option<Batch>, Error> {
    let (before, before_ms) = (cutoff.first_id, cutoff.at_ms);
    let statement = DeleteMessages { after, before, before_ms, most: BATCH, lifetime: PhantomData };
    Ok(Batch::new(statement.get_result(&mut database.connection().await?).await?))
}

statement! {
    /// Rows are never updated, so a ctid identifies one for the duration of the statement.
    DeletePastEvents { before_ms: i64 => BigInt, most: i64 => BigInt } -> BigInt;
    "with gone as (
        delete from past_events_default where ctid = any(array(
            select ctid from past_events_default where at < to_timestamp(" {before_ms} " / 1000.0) order by at limit " {most} "
        ))
        returning id
    )
    select count(*) from gone"
}

pub(super) async fn delete_past_events(database: &Database, cutoff: Cutoff) -> Result<i64, Error> {
    let statement = DeletePastEvents { before_ms: cutoff.at_ms, most: BATCH, lifetime: PhantomData };
    Ok(statement.get_result(&mut database.connection().await?).await?)
}
