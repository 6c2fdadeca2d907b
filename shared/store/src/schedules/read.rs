//! Reads schedules, with the states of their last messages.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz as SqlTimestamp, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sigpost_qstash::MessageId;
use uuid::Uuid;

use super::{Schedule, ScheduleRow};
use crate::Error;
use crate::messages::MessageState;
use crate::page::{PAGE_BYTES, Page, Paged};

/// A schedule with its state.
#[derive(Clone, Debug)]
pub struct StoredSchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// Changes with every replacement.
    pub version: i64,
    /// Whether it is paused.
    pub paused: bool,
    /// In milliseconds since 1970; a replacement keeps it.
    pub created_at_ms: i64,
    /// `None` while paused, and if there are no more firings.
    pub next_fire_at: Option<Timestamp>,
    /// Time of the last firing.
    pub last_fire_at: Option<Timestamp>,
    /// States of the messages of its last firing, if they are still stored.
    pub last_states: BTreeMap<MessageId, MessageState>,
    /// Why its last firing published nothing.
    pub error: Option<String>,
}

type StoredColumns = (
    (Text, Text, Text, Text, Binary, Text, Nullable<Text>),
    BigInt,
    Bool,
    BigInt,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
    Array<SqlUuid>,
    Array<Text>,
    Nullable<Text>,
);

const STORED_COLUMNS: &str = "id, cron, destination, parameters::text, body, catch_up, caller_ip,
    version, paused, floor(extract(epoch from created_at) * 1000)::bigint, next_fire_at, last_fire_at,
    coalesce(last.ids, '{}'), coalesce(last.states, '{}'), error ";

const LAST_MESSAGES: &str = ", lateral (
    select array_agg(m.id order by m.id) as ids, array_agg(m.state::text order by m.id) as states
    from message_states m where m.id = any(s.last_message_ids)
) last ";

statement! {
    Find { id: &'a str => Text } -> StoredColumns;
    "select " [STORED_COLUMNS] "from schedules s" [LAST_MESSAGES] "where id = " {id}
}

statement! {
    List { created_us: i64 => BigInt, id: &'a str => Text, count: i64 => BigInt, most_bytes: i64 => BigInt }
    -> (StoredColumns, BigInt, Bool);
    "select " [STORED_COLUMNS] ", created_us, has_more from (
        select s.*, lead(id) over w is not null as has_more, sum(bytes) over w - bytes as bytes_before
        from (
            select s.*, (extract(epoch from created_at) * 1000000)::bigint as created_us,
                   octet_length(body) + pg_column_size(parameters) as bytes
            from schedules s
            where (created_at, id) > (to_timestamp(0) + " {created_us} " * interval '1 microsecond', " {id} ")
            order by created_at, id limit " {count} " + 1
        ) s
        window w as (order by created_at, id)
     ) s" [LAST_MESSAGES] "where bytes_before < " {most_bytes} " order by created_at, id limit " {count}
}

#[derive(diesel::Queryable)]
struct StoredRow {
    schedule: ScheduleRow,
    version: i64,
    paused: bool,
    created_at_ms: i64,
    next_fire_at: Option<jiff_diesel::Timestamp>,
    last_fire_at: Option<jiff_diesel::Timestamp>,
    last_ids: Vec<Uuid>,
    last_states: Vec<String>,
    error: Option<String>,
}

impl From<StoredRow> for StoredSchedule {
    fn from(row: StoredRow) -> Self {
        let states = row.last_states.iter().map(|label| MessageState::from_label(label));
        Self {
            schedule: row.schedule.into(),
            version: row.version,
            paused: row.paused,
            created_at_ms: row.created_at_ms,
            next_fire_at: row.next_fire_at.map(|at| at.to_jiff()),
            last_fire_at: row.last_fire_at.map(|at| at.to_jiff()),
            last_states: row.last_ids.into_iter().map(MessageId).zip(states).collect(),
            error: row.error,
        }
    }
}

/// Returns the schedules, oldest first. A position is the creation time in microseconds and the ID:
/// `1764486599123456-ID`.
pub async fn list(conn: &mut AsyncPgConnection, page: Page<'_>) -> Result<Paged<StoredSchedule>, Error> {
    let (created_us, id) = position_of(page.after).unwrap_or_default();
    let statement = List { created_us, id, count: page.count, most_bytes: PAGE_BYTES, lifetime: PhantomData };
    let rows: Vec<(StoredRow, i64, bool)> = statement.load(conn).await?;
    let rows = rows.into_iter().map(|(row, created_us, has_more)| ((row, created_us), has_more));
    let position = |(row, created_us): &(StoredRow, i64)| format!("{created_us}-{}", row.schedule.id);
    Ok(Paged::of(rows, position).map(|(row, _)| row.into()))
}

/// Parses a position of [`list`]; `None` if the text is not one.
pub fn position_of(text: &str) -> Option<(i64, &str)> {
    let (created_us, id) = text.split_once('-')?;
    Some((created_us.parse().ok()?, id))
}

/// Returns the schedule with this ID.
pub async fn find(conn: &mut AsyncPgConnection, id: &str) -> Result<Option<StoredSchedule>, Error> {
    let rows: Vec<StoredRow> = Find { id, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().next().map(StoredSchedule::from))
}
