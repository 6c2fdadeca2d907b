//! Due schedules: claimed in batches, and advanced to their next times.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Nullable, Text, Timestamptz as SqlTimestamp};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use jiff_diesel::{NullableTimestamp, ToDiesel};
use sigpost_qstash::MessageId;

use super::{Schedule, ScheduleRow};
use crate::Error;

/// A due schedule. Its row is locked until the end of the transaction.
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
    /// Locks due schedules; see `claim_due.sql`.
    ClaimDue {
        except: &'a [String] => Array<Text>,
        most: i64 => BigInt,
        bytes: i64 => BigInt,
    } -> ((Text, Text, Text, Text, Binary, Text, Nullable<Text>), SqlTimestamp, SqlTimestamp);
    file "claim_due.sql"
}

/// Locks due schedules, earliest first: at most `most`, whose bodies have at most `bytes` together, or one. Skips
/// those in `except` and those that another transaction has locked. [`advance`] ends the firing in the same
/// transaction.
pub async fn claim_due(
    conn: &mut AsyncPgConnection,
    except: &[String],
    most: usize,
    bytes: usize,
) -> Result<Vec<DueSchedule>, Error> {
    type Row = (ScheduleRow, jiff_diesel::Timestamp, jiff_diesel::Timestamp);
    let bound = |bound| i64::try_from(bound).unwrap_or(i64::MAX);
    let statement = ClaimDue { except, most: bound(most), bytes: bound(bytes), lifetime: PhantomData };
    let rows: Vec<Row> = statement.load(conn).await?;
    let due = rows.into_iter().map(|(row, due_at, now)| DueSchedule {
        schedule: row.into(),
        due_at: due_at.to_jiff(),
        now: now.to_jiff(),
    });
    Ok(due.collect())
}

/// The result of a firing.
#[derive(Clone, Debug)]
pub struct Fired {
    /// The time for which it fired; the last, if there were several.
    pub at: Timestamp,
    /// The published messages, or why there are none.
    pub published: Result<Vec<MessageId>, String>,
}

/// A locked schedule after its firing.
#[derive(Debug)]
pub struct Advance<'a> {
    /// Its id.
    pub id: &'a str,
    /// `None` when no time was fired.
    pub fired: Option<Fired>,
    /// The time of the next firing.
    pub next_fire_at: Option<Timestamp>,
}

statement! {
    /// Advances a batch. Arrays of arrays must be rectangular in Postgres: message ids are array literals.
    AdvanceAll {
        ids: Vec<&'a str> => Array<Text>,
        next_fire_at: Vec<NullableTimestamp> => Array<Nullable<SqlTimestamp>>,
        are_fired: Vec<bool> => Array<Bool>,
        fired_at: Vec<NullableTimestamp> => Array<Nullable<SqlTimestamp>>,
        message_ids: Vec<String> => Array<Text>,
        errors: Vec<Option<&'a str>> => Array<Nullable<Text>>,
    } -> Text;
    file "advance.sql"
}

/// Writes the results of firings and the next times of schedules that [`claim_due`] has locked.
pub async fn advance(conn: &mut AsyncPgConnection, batch: &[Advance<'_>]) -> Result<(), Error> {
    let fired = || batch.iter().map(|one| one.fired.as_ref());
    let published = || fired().map(|fired| fired.map(|fired| fired.published.as_ref()));
    let statement = AdvanceAll {
        ids: batch.iter().map(|one| one.id).collect(),
        next_fire_at: batch.iter().map(|one| one.next_fire_at.to_diesel()).collect(),
        are_fired: fired().map(|fired| fired.is_some()).collect(),
        fired_at: fired().map(|fired| fired.map(|fired| fired.at).to_diesel()).collect(),
        message_ids: published().map(|published| array(published.and_then(Result::ok))).collect(),
        errors: published().map(|published| published.and_then(Result::err).map(String::as_str)).collect(),
        lifetime: PhantomData,
    };
    statement.load::<String>(conn).await?;
    Ok(())
}

/// Returns an array literal of these IDs.
fn array(ids: Option<&Vec<MessageId>>) -> String {
    let ids: Vec<String> = ids.into_iter().flatten().map(|id| id.0.to_string()).collect();
    format!("{{{}}}", ids.join(","))
}

statement! {
    NextFiring {} -> Nullable<Double>;
    "select extract(epoch from (select min(next_fire_at) from schedules where next_fire_at is not null) - now())::float8"
}

/// Returns the time until a schedule is due: zero if one is due, `None` if none will be.
pub async fn next_firing_in(conn: &mut AsyncPgConnection) -> Result<Option<Duration>, Error> {
    let seconds: Option<f64> = NextFiring { lifetime: PhantomData }.get_result(conn).await?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
}
