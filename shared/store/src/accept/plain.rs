//! The short way in, for what most messages are.

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::Start;
use uuid::Uuid;

use super::columns::Columns;
use super::{Accepted, Arrival, LeaseTerms, has_rest};
use crate::{Error, WakeUps};

statement! {
    /// Inserts a batch of plain messages with their first events. It touches no table but these two, and
    /// asks for no row whether it is there already: both cost each execution, whether or not it is needed.
    AcceptPlain {
        ids: Vec<Uuid> => Array<SqlUuid>,
        tokens: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        urls: Vec<&'a str> => Array<Text>,
        methods: Vec<&'static str> => Array<Text>,
        headers: Vec<String> => Array<Text>,
        bodies: Vec<&'a [u8]> => Array<Binary>,
        retries: Vec<i32> => Array<Integer>,
        caller_ips: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        url_hashes: Vec<i32> => Array<Integer>,
        host_hashes: Vec<i32> => Array<Integer>,
        path_hashes: Vec<i32> => Array<Integer>,
        caller_hashes: Vec<Option<i32>> => Array<Nullable<Integer>>,
        lease_s: f64 => Double,
        notify: bool => Bool,
    } -> (BigInt, Nullable<Text>);
    "with input as materialized (select * from unnest("
    {ids} "," {tokens} "," {urls} "," {methods} "," {headers} "," {bodies} "," {retries} "," {caller_ips} ","
    {url_hashes} "," {host_hashes} "," {path_hashes} "," {caller_hashes}
    ") as i(id, token, url, method, header, body, retries, caller_ip, url_hash, host_hash, path_hash, caller_hash)),
    stored as (
        insert into messages (id, state, lease_token, due_at, deliveries, url, method, header, body, retries, labels,
                              caller_ip, not_before)
        select id, case when token is null then 'pending' else 'active' end::message_state, token,
               case when token is null then now() else now() + make_interval(secs => " {lease_s} ") end,
               (token is not null)::int, url, method, header::json, body, retries, '{}', caller_ip, now()
        from input
    ),
    logged as (
        insert into events (message_id, state, url_hash, host_hash, path_hash, caller_hash)
        select id, 'CREATED'::event_state, url_hash, host_hash, path_hash, caller_hash from input
        union all
        select id, 'ACTIVE', null, null, null, null from input where token is not null
    )
    select floor(extract(epoch from now()) * 1000)::bigint, case when " {notify} " then pg_notify('sigpost', '')::text end"
}

/// Whether this is a message without a gate, a key, a delay or an option that [`AcceptPlain`] has no column for.
pub(super) fn is_plain(arrival: &Arrival) -> bool {
    arrival.new.start == Start::Now && arrival.new.deduplicate.is_none() && !has_rest(&arrival.new)
}

/// As [`accept`](super::accept), for plain messages of which none is stored yet; else all are refused.
pub(super) async fn accept_plain(
    conn: &mut AsyncPgConnection,
    batch: &[Arrival],
    lease: LeaseTerms,
    notify: bool,
) -> Result<Accepted, Error> {
    let Columns {
        ids,
        tokens,
        urls,
        methods,
        headers,
        bodies,
        retries,
        caller_ips,
        url_hashes,
        host_hashes,
        path_hashes,
        caller_hashes,
    } = Columns::of(batch.iter(), lease);
    let statement = AcceptPlain {
        ids,
        tokens,
        urls,
        methods,
        headers,
        bodies,
        retries,
        caller_ips,
        url_hashes,
        host_hashes,
        path_hashes,
        caller_hashes,
        lease_s: lease.length.as_secs_f64(),
        notify,
        lifetime: PhantomData,
    };
    let (created_at_ms, _): (i64, Option<String>) = statement.get_result(conn).await?;
    Ok(Accepted::new(created_at_ms, vec![None; batch.len()], batch, WakeUps::default()))
}
