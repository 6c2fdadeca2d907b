//! Messages that have not ended: counted one by one, so with a long backlog this takes a moment.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use super::LIST_MOST;
use crate::Error;

/// Messages that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, diesel::Queryable, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// Could be delivered now.
    pub due: i64,
    /// Wait for their time: a delay, or the next attempt.
    pub scheduled: i64,
    /// Wait at a queue or a flow-control key.
    pub waiting: i64,
    /// Being delivered.
    pub active: i64,
    /// For how long the oldest has been due, in seconds.
    #[serde(rename = "oldestDueSeconds")]
    pub oldest_due_s: Option<f64>,
}

/// The same, of one destination or one queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenOf {
    /// Its name.
    pub name: String,
    /// What is open.
    #[serde(flatten)]
    pub open: Open,
}

/// The columns of [`Open`], of rows of messages.
const COUNTS: &str = "count(*) filter (where due_at <= now()),
    count(*) filter (where due_at > now() and state = 'pending'),
    count(*) filter (where waits_for is not null),
    count(*) filter (where due_at > now() and state = 'active'),
    extract(epoch from now() - min(due_at) filter (where due_at <= now()))::float8";

/// Both partial indexes of what is open.
const ROWS: &str = "from (
        select state, due_at, waits_for, url, queue_name from messages where due_at is not null
        union all
        select state, due_at, waits_for, url, queue_name from messages where waits_for is not null
    ) open";

statement! {
    All {} -> (BigInt, BigInt, BigInt, BigInt, Nullable<Double>);
    "select " [COUNTS] " " [ROWS]
}

statement! {
    ByDestination { most: i64 => BigInt } -> (Text, BigInt, BigInt, BigInt, BigInt, Nullable<Double>);
    "select url_authority(url) || url_path(url) as name, " [COUNTS] " " [ROWS] "
     group by name order by count(*) desc, name limit " {most}
}

statement! {
    ByQueue { most: i64 => BigInt } -> (Text, BigInt, BigInt, BigInt, BigInt, Nullable<Double>);
    "select queue_name as name, " [COUNTS] " " [ROWS] "
     where queue_name is not null group by name order by count(*) desc, name limit " {most}
}

type Row = (String, i64, i64, i64, i64, Option<f64>);

fn of((name, due, scheduled, waiting, active, oldest_due_s): Row) -> OpenOf {
    OpenOf { name, open: Open { due, scheduled, waiting, active, oldest_due_s } }
}

/// All that is open.
pub async fn open_messages(conn: &mut AsyncPgConnection) -> Result<Open, Error> {
    Ok(All { lifetime: PhantomData }.get_result(conn).await?)
}

/// What is open by host and path of where it goes, the most first.
pub async fn open_by_destination(conn: &mut AsyncPgConnection) -> Result<Vec<OpenOf>, Error> {
    let rows: Vec<Row> = ByDestination { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(of).collect())
}

/// What is open in each queue, the most first. A queue without any is not in it.
pub async fn open_by_queue(conn: &mut AsyncPgConnection) -> Result<Vec<OpenOf>, Error> {
    let rows: Vec<Row> = ByQueue { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(of).collect())
}
