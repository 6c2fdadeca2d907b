//! Schedules as the source of copies in another scheduler.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz as SqlTimestamp};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sigpost_qstash::CatchUp;

use crate::Error;

/// The properties of a schedule that its copy depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Its id.
    pub id: String,
    /// Changes with every replacement, and is never reused.
    pub version: i64,
    /// The expression with its time zone.
    pub cron: String,
    /// Handling of missed firings.
    pub catch_up: CatchUp,
    /// Whether the schedule is paused.
    pub paused: bool,
    /// When its copy was last known to match; `None` since the last change.
    pub mirrored_at: Option<Timestamp>,
}

statement! {
    /// Selects all schedules, or the one with this ID.
    Read { id: Option<&'a str> => Nullable<Text>, all: bool => Bool } -> (
        Text, BigInt, Text, Text, Bool, Nullable<SqlTimestamp>,
    );
    "select id, version, cron, catch_up, paused, mirrored_at from schedules
     where id = " {id} " or " {all} " order by id"
}

#[derive(diesel::Queryable)]
struct Row {
    id: String,
    version: i64,
    cron: String,
    catch_up: String,
    paused: bool,
    mirrored_at: Option<jiff_diesel::Timestamp>,
}

impl From<Row> for Original {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            version: row.version,
            cron: row.cron,
            catch_up: CatchUp::parse("catch_up", &row.catch_up).unwrap_or_default(),
            paused: row.paused,
            mirrored_at: row.mirrored_at.map(|at| at.to_jiff()),
        }
    }
}

/// Returns every schedule.
pub async fn all(conn: &mut AsyncPgConnection) -> Result<Vec<Original>, Error> {
    let rows: Vec<Row> = Read { id: None, all: true, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(Original::from).collect())
}

/// Returns the schedule with this ID.
pub async fn find(conn: &mut AsyncPgConnection, id: &str) -> Result<Option<Original>, Error> {
    let rows: Vec<Row> = Read { id: Some(id), all: false, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().next().map(Original::from))
}

statement! {
    Mark { id: &'a str => Text, version: i64 => BigInt, paused: bool => Bool } -> BigInt;
    "with marked as (
        update schedules set mirrored_at = now()
        where id = " {id} " and version = " {version} " and paused = " {paused} " returning id
    )
    select count(*) from marked"
}

/// Records that the copy matches. Returns `false`, without a record, if the schedule has changed since it was read.
pub async fn mark(conn: &mut AsyncPgConnection, read: &Original) -> Result<bool, Error> {
    let statement = Mark { id: &read.id, version: read.version, paused: read.paused, lifetime: PhantomData };
    Ok(statement.get_result::<i64>(conn).await? == 1)
}
