//! Whether a dispatcher is alive, and whether one destination has its capacity.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::Error;

/// The dispatchers of a deployment, as far as their rows show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispatchers {
    /// Processes with a report in the last three minutes, and dispatchers that run in Lambda. A process reports every
    /// minute while messages are open.
    pub live: i64,
    /// Messages in flight.
    pub in_flight: i64,
    /// The destination with the most attempts that began more than a minute ago; `None` without any.
    pub slowest: Option<Slowest>,
}

/// The old attempts of one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slowest {
    /// Host and port of the URL.
    pub destination: String,
    /// Attempts that began more than a minute ago.
    pub attempts: i64,
}

statement! {
    /// Messages in flight are among those that were due first, so the scan is bounded as in `measure_queue`.
    Measure {} -> (BigInt, BigInt, BigInt, Nullable<Text>);
    "with in_flight as (
        select id, destination, leased_at from (
            select id, destination, leased_at, lease_until from pending_deliveries
            where blocked_by is null and due_at <= now() order by due_at, id limit 20000
        ) first
        where lease_until > now()
    ),
    slowest as (
        select count(*) as attempts, min(id::text)::uuid as id from in_flight
        where leased_at <= now() - interval '1 minute'
        group by destination order by 1 desc limit 1
    )
    select (select count(*) from processes where seen_at >= now() - interval '3 minutes')
               + (select count(*) from dispatchers where alive_until > now()),
           (select count(*) from in_flight),
           coalesce((select attempts from slowest), 0),
           (select url_authority(m.url) from slowest join messages m using (id))"
}

/// Measures the dispatchers.
pub async fn dispatchers(conn: &mut AsyncPgConnection) -> Result<Dispatchers, Error> {
    let (live, in_flight, attempts, destination): (i64, i64, i64, Option<String>) =
        Measure { lifetime: PhantomData }.get_result(conn).await?;
    let slowest = destination.map(|destination| Slowest { destination, attempts });
    Ok(Dispatchers { live, in_flight, slowest })
}
