//! Open messages, counted one by one: with a long backlog this takes a moment.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::admin::{Open, OpenOf};

use super::LIST_MOST;
use crate::Error;

/// The columns of [`Open`], from [`PENDING`].
const COUNTS: &str = "
    count(*) filter (where p.is_due),
    count(*) filter (where p.blocked_by is null and p.due_at > now()),
    count(*) filter (where p.blocked_by is not null),
    count(*) filter (where p.lease_until > now()),
    extract(epoch from now() - min(coalesce(p.lease_until, p.due_at)) filter (where p.is_due))::float8";

/// Pending deliveries, and whether they can be claimed.
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

/// Returns the counts of all open messages.
pub async fn open_messages(conn: &mut AsyncPgConnection) -> Result<Open, Error> {
    let (due, scheduled, waiting, active, oldest_due_s) = All { lifetime: PhantomData }.get_result(conn).await?;
    Ok(Open { due, scheduled, waiting, active, oldest_due_s })
}

/// Returns the counts by host and path of the destination, the largest first.
pub async fn open_by_destination(conn: &mut AsyncPgConnection) -> Result<Vec<OpenOf>, Error> {
    let rows: Vec<Row> = ByDestination { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(of).collect())
}

/// Returns the counts by queue, the largest first. Queues without open messages are omitted.
pub async fn open_by_queue(conn: &mut AsyncPgConnection) -> Result<Vec<OpenOf>, Error> {
    let rows: Vec<Row> = ByQueue { most: LIST_MOST, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(of).collect())
}
