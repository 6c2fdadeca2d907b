//! Due schedules: locked, and advanced to their next time.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{Array, Binary, Bool, Double, Nullable, Text, Timestamptz as SqlTimestamp, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::{NullableTimestamp, ToDiesel};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use super::{Schedule, ScheduleRow};
use crate::Error;

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
