//! Schedules: their rows, and which of them are due.
//!
//! A schedule fires in a transaction of its own: [`take_due`] locks its row, [`accept`](crate::accept)
//! stores the messages, [`advance`] moves it on. So each firing is published once, by any number of
//! processes and whatever crashes.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Double, Nullable, Text, Timestamptz as SqlTimestamp, Uuid as SqlUuid,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::{NullableTimestamp, ToDiesel};
use sigpost_qstash::{CatchUp, Cron, MessageId, Params};
use uuid::Uuid;

use crate::Error;
use crate::messages::MessageState;
use crate::page::{PAGE_BYTES, Page, Paged};

/// What fires, when, and what it publishes.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its id, given by its creator or made.
    pub id: String,
    /// The expression with its time zone.
    pub cron: String,
    /// URL or name of a URL group, exactly as the creator wrote it.
    pub destination: String,
    /// What its messages are published with; `Options::parse` reads it.
    pub parameters: Params,
    /// Delivered unmodified.
    pub body: Bytes,
    /// What becomes of missed firings.
    pub catch_up: CatchUp,
    /// Who created it.
    pub caller_ip: Option<String>,
}

impl Schedule {
    /// The first firing after a moment; `None` when there is none any more.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        next_after(&self.cron, moment)
    }
}

/// What was checked when it was stored and no longer parses (a time zone that is gone) does not fire.
fn next_after(cron: &str, moment: Timestamp) -> Option<Timestamp> {
    cron.parse::<Cron>().ok()?.next_after(moment)
}

/// A schedule with how it stands.
#[derive(Clone, Debug)]
pub struct StoredSchedule {
    /// What was asked for.
    pub schedule: Schedule,
    /// New with every replacement.
    pub version: i64,
    /// Its firings are skipped.
    pub paused: bool,
    /// In milliseconds since 1970; a replacement keeps it.
    pub created_at_ms: i64,
    /// `None` while paused, and when there are no more firings.
    pub next_fire_at: Option<Timestamp>,
    /// The time for which it fired last.
    pub last_fire_at: Option<Timestamp>,
    /// What its last firing published, as far as it is kept.
    pub last_states: BTreeMap<MessageId, MessageState>,
    /// Why its last firing published nothing.
    pub error: Option<String>,
}

statement! {
    Now {} -> SqlTimestamp;
    "select now()"
}

async fn now(conn: &mut AsyncPgConnection) -> Result<Timestamp, Error> {
    let now: jiff_diesel::Timestamp = Now { lifetime: PhantomData }.get_result(conn).await?;
    Ok(now.to_jiff())
}

statement! {
    /// A replacement keeps when it was created, whether it is paused and what it has fired. The
    /// dispatchers are told: it may fire earlier than what they wait for.
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

/// Stores the schedule, or replaces the one with its id. `false` when it is a new one and there are
/// `most` already.
pub async fn put(conn: &mut AsyncPgConnection, schedule: &Schedule, most: u32) -> Result<bool, Error> {
    conn.transaction(async |conn| {
        let next_fire_at = schedule.next_after(now(conn).await?);
        let statement = Put {
            id: &schedule.id,
            cron: &schedule.cron,
            destination: &schedule.destination,
            // Texts in lists and maps: nothing in them can fail to serialise.
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
pub(crate) struct ScheduleRow {
    id: String,
    cron: String,
    destination: String,
    parameters: String,
    body: Vec<u8>,
    catch_up: String,
    caller_ip: Option<String>,
}

impl From<ScheduleRow> for Schedule {
    fn from(row: ScheduleRow) -> Self {
        Self {
            id: row.id,
            cron: row.cron,
            destination: row.destination,
            parameters: serde_json::from_str(&row.parameters).unwrap_or_default(),
            body: row.body.into(),
            catch_up: CatchUp::parse("catch_up", &row.catch_up).unwrap_or_default(),
            caller_ip: row.caller_ip,
        }
    }
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

/// The schedules, the oldest first. A position is the time of creation in microseconds and the id: `1764486599123456-ID`.
pub async fn list(conn: &mut AsyncPgConnection, page: Page<'_>) -> Result<Paged<StoredSchedule>, Error> {
    let (created_us, id) = position_of(page.after).unwrap_or_default();
    let statement = List { created_us, id, count: page.count, most_bytes: PAGE_BYTES, lifetime: PhantomData };
    let rows: Vec<(StoredRow, i64, bool)> = statement.load(conn).await?;
    let rows = rows.into_iter().map(|(row, created_us, has_more)| ((row, created_us), has_more));
    let position = |(row, created_us): &(StoredRow, i64)| format!("{created_us}-{}", row.schedule.id);
    Ok(Paged::of(rows, position).map(|(row, _)| row.into()))
}

/// Reads a position of [`list`]; `None` if it is none.
pub fn position_of(text: &str) -> Option<(i64, &str)> {
    let (created_us, id) = text.split_once('-')?;
    Some((created_us.parse().ok()?, id))
}

/// The schedule with this id.
pub async fn find(conn: &mut AsyncPgConnection, id: &str) -> Result<Option<StoredSchedule>, Error> {
    let rows: Vec<StoredRow> = Find { id, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().next().map(StoredSchedule::from))
}

statement! {
    Delete { id: &'a str => Text } -> BigInt;
    "with gone as (delete from schedules where id = " {id} " returning id) select count(*) from gone"
}

/// Deletes the schedule; its messages stay. `false` when there is none with this id.
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

/// Pauses or resumes the schedule. Firings of the time between are skipped: it goes on with the
/// first from now. Changes nothing where nothing is to be changed. `false` when there is none with
/// this id.
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

/// A schedule whose time has come; its row is locked until the end of the transaction.
#[derive(Clone, Debug)]
pub struct DueSchedule {
    /// What to fire.
    pub schedule: Schedule,
    /// The time of the first firing that is due.
    pub due_at: Timestamp,
    /// The database's clock.
    pub now: Timestamp,
}

statement! {
    TakeDue { except: &'a [String] => Array<Text> } -> (
        (Text, Text, Text, Text, Binary, Text, Nullable<Text>),
        SqlTimestamp,
        SqlTimestamp,
    );
    "select id, cron, destination, parameters::text, body, catch_up, caller_ip, next_fire_at, now() from schedules
     where next_fire_at <= now() and id <> all(" {except} ")
     order by next_fire_at, id limit 1 for update skip locked"
}

/// Locks the schedule that has been due longest, of those that nobody else has locked and but for
/// those named. In a transaction that [`advance`] ends.
pub async fn take_due(conn: &mut AsyncPgConnection, except: &[String]) -> Result<Option<DueSchedule>, Error> {
    type Row = (ScheduleRow, jiff_diesel::Timestamp, jiff_diesel::Timestamp);
    let rows: Vec<Row> = TakeDue { except, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().next().map(|(row, due_at, now)| DueSchedule {
        schedule: row.into(),
        due_at: due_at.to_jiff(),
        now: now.to_jiff(),
    }))
}

/// What a firing came to.
#[derive(Clone, Debug)]
pub struct Fired {
    /// The time for which it fired; the last, if there were several.
    pub at: Timestamp,
    /// What it published, or why it did not.
    pub published: Result<Vec<MessageId>, String>,
}

statement! {
    /// Without a firing only the time of the next one changes.
    Advance {
        next_fire_at: NullableTimestamp => Nullable<SqlTimestamp>,
        fired: bool => Bool,
        at: NullableTimestamp => Nullable<SqlTimestamp>,
        message_ids: Vec<Uuid> => Array<SqlUuid>,
        error: Option<&'a str> => Nullable<Text>,
        id: &'a str => Text,
    } -> Text;
    "update schedules s set
        next_fire_at = " {next_fire_at} ",
        last_fire_at = case when f.fired then f.at else s.last_fire_at end,
        last_message_ids = case when f.fired then f.message_ids else s.last_message_ids end,
        error = case when f.fired then f.error else s.error end
     from (values (" {fired} "::bool," {at} "::timestamptz," {message_ids} "::uuid[]," {error} "::text))
        as f(fired, at, message_ids, error)
     where id = " {id} " returning id"
}

/// Moves a schedule on that [`take_due`] has locked.
pub async fn advance(
    conn: &mut AsyncPgConnection,
    id: &str,
    fired: Option<&Fired>,
    next_fire_at: Option<Timestamp>,
) -> Result<(), Error> {
    let published = fired.map(|fired| &fired.published);
    let message_ids = published.and_then(|published| published.as_ref().ok());
    let statement = Advance {
        next_fire_at: next_fire_at.to_diesel(),
        fired: fired.is_some(),
        at: fired.map(|fired| fired.at).to_diesel(),
        message_ids: message_ids.into_iter().flatten().map(|id| id.0).collect(),
        error: published.and_then(|published| published.as_ref().err()).map(String::as_str),
        id,
        lifetime: PhantomData,
    };
    statement.load::<String>(conn).await?;
    Ok(())
}

statement! {
    NextFiring {} -> Nullable<Double>;
    "select extract(epoch from (select min(next_fire_at) from schedules where next_fire_at is not null) - now())::float8"
}

/// How long until a schedule is due: zero when one is, `None` when none ever will be.
pub async fn next_firing_in(conn: &mut AsyncPgConnection) -> Result<Option<Duration>, Error> {
    let seconds: Option<f64> = NextFiring { lifetime: PhantomData }.get_result(conn).await?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
}
