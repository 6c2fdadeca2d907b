//! Mirrors: what another scheduler, which keeps copies of the schedules, has to know of their rows.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz as SqlTimestamp};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sigpost_qstash::CatchUp;

use crate::Error;

/// A schedule as far as it decides about its copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Its id.
    pub id: String,
    /// New with every replacement, and never used again.
    pub version: i64,
    /// The expression with its time zone.
    pub cron: String,
    /// What becomes of missed firings.
    pub catch_up: CatchUp,
    /// Its firings are skipped.
    pub paused: bool,
    /// When its copy was last known to agree; `None` from any change until then.
    pub mirrored_at: Option<Timestamp>,
}

statement! {
    /// All, or the one with this id.
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

/// Every schedule.
pub async fn all(conn: &mut AsyncPgConnection) -> Result<Vec<Original>, Error> {
    let rows: Vec<Row> = Read { id: None, all: true, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(Original::from).collect())
}

/// The schedule with this id.
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

/// Notes that the copy agrees. `false`, and nothing is noted, when the schedule is no longer as it
/// was read.
pub async fn mark(conn: &mut AsyncPgConnection, read: &Original) -> Result<bool, Error> {
    let statement = Mark { id: &read.id, version: read.version, paused: read.paused, lifetime: PhantomData };
    Ok(statement.get_result::<i64>(conn).await? == 1)
}
