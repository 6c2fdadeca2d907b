//! The fast path of accepts, for messages without rare options.

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::Start;
use uuid::Uuid;

use super::columns::Columns;
use super::{Accepted, Arrival, LeaseTerms, has_rest};
use crate::{Error, WakeUps};

statement! {
    /// Inserts a batch of plain messages. It touches only these two tables, and does not check for existing rows:
    /// both cost each execution, whether needed or not.
    AcceptPlain {
        ids: Vec<Uuid> => Array<SqlUuid>,
        are_leased: Vec<bool> => Array<Bool>,
        urls: Vec<&'a str> => Array<Text>,
        methods: Vec<&'static str> => Array<Text>,
        headers: Vec<String> => Array<Text>,
        bodies: Vec<&'a [u8]> => Array<Binary>,
        retries: Vec<i32> => Array<Integer>,
        caller_ips: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        body_bytes: Vec<i32> => Array<Integer>,
        destinations: Vec<i64> => Array<BigInt>,
        token: Uuid => SqlUuid,
        lease_s: f64 => Double,
        notify: bool => Bool,
    } -> (BigInt, Nullable<Text>);
    file "plain.sql"
}

/// Returns whether the message has no limit, key, delay, or option without a column in [`AcceptPlain`].
pub(super) fn is_plain(arrival: &Arrival) -> bool {
    arrival.new.start == Start::Now && arrival.new.deduplicate.is_none() && !has_rest(&arrival.new)
}

/// As [`accept`](super::accept), for plain messages. Fails for the whole batch if one of them is already stored.
pub(super) async fn accept_plain(
    conn: &mut AsyncPgConnection,
    batch: &[Arrival],
    lease: LeaseTerms,
    notify: bool,
) -> Result<Accepted, Error> {
    let Columns { ids, are_leased, urls, methods, headers, bodies, retries, caller_ips, destinations } =
        Columns::of(batch.iter());
    let statement = AcceptPlain {
        ids,
        are_leased,
        urls,
        methods,
        headers,
        body_bytes: bodies.iter().map(|body| i32::try_from(body.len()).unwrap_or(i32::MAX)).collect(),
        bodies,
        retries,
        caller_ips,
        destinations,
        token: lease.token,
        lease_s: lease.length.as_secs_f64(),
        notify,
        lifetime: PhantomData,
    };
    let (created_at_ms, _): (i64, Option<String>) = statement.get_result(conn).await?;
    Ok(Accepted::new(created_at_ms, vec![None; batch.len()], batch, WakeUps::default()))
}
