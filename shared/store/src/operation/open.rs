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

/// The columns of [`Open`], of [`PENDING`].
const COUNTS: &str = "
    count(*) filter (where p.is_due),
    count(*) filter (where p.blocked_by is null and p.due_at > now()),
    count(*) filter (where p.blocked_by is not null),
    count(*) filter (where p.lease_until > now()),
    extract(epoch from now() - min(coalesce(p.lease_until, p.due_at)) filter (where p.is_due))::float8";

/// Pending deliveries, and which of them could be claimed.
const PENDING: &str = "from (
        select *, blocked_by is null and due_at <= now() and (lease_until is null or lease_until <= now()) as is_due
        from pending_deliveries
    ) p";

statement! {
    All {} -> (BigInt, BigInt, BigInt, BigInt, Nullable<Double>);
    "select " [COUNTS] " " [PENDING]
}

statement! {
    ByDestination { most: i64 => BigInt } -> (Text, BigInt, BigInt, BigInt, BigInt, Nullable<Double>);
    "select url_authority(m.url) || url_path(m.url) as name, " [COUNTS] " " [PENDING] "
     join messages m using (id) group by name order by count(*) desc, name limit " {most}
}

statement! {
    ByQueue { most: i64 => BigInt } -> (Text, BigInt, BigInt, BigInt, BigInt, Nullable<Double>);
    "select substr(p.limits[1], length('queue:') + 1) as name, " [COUNTS] " " [PENDING] "
     where p.limits[1] like 'queue:%' group by name order by count(*) desc, name limit " {most}
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
