//! Claim: due messages are leased, many in one statement, by any number of dispatchers at once.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::prelude::Queryable;
use diesel::sql_types::{Array, BigInt, Binary, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::{MessageId, RetryDelay};
use uuid::Uuid;

use crate::accept::LeaseTerms;
use crate::messages::Message;
use crate::stored::Stored;
use crate::wake_ups::time_until;
use crate::{Error, WakeUps};

/// A message leased to this process: the right, and the duty, to push it once.
#[derive(Debug)]
pub struct Lease {
    /// What to push.
    pub message: Message,
    /// Fences everything that is written about this delivery.
    pub token: Uuid,
    /// Failed attempts recorded before this one.
    pub retried: u32,
    /// Leases taken, this one included. More than `retried + 1` means that leases were lost.
    pub deliveries: u32,
    /// When it was accepted, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// The earliest first delivery, in milliseconds since 1970.
    pub not_before_ms: i64,
}

/// What a claim took.
#[derive(Debug, Default)]
pub struct Claimed {
    /// Leased to this process.
    pub leases: Vec<Lease>,
    /// Limits at which messages are blocked, and messages that entered their queue before they are due.
    pub wake_ups: WakeUps,
    /// Where large messages could start that had no room.
    pub postponed: WakeUps,
}

/// How much is claimed at once at most.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Messages.
    pub messages: usize,
    /// Up to this size a body does not count.
    pub small: usize,
    /// What the bodies have more than small ones, together. One message may exceed it, unless it is nothing: then none
    /// is claimed that is not small.
    pub bytes: usize,
}

/// What a lease needs to know of its row, for every statement that makes leases.
pub(crate) const LEASE_COLUMNS: &str = " id, retried, deliveries, url, method, header::text, body, retries, timeout_ms,
    retry_delay, callback::text, failure_callback::text, labels, caller_ip, callback_of,
    floor(extract(epoch from created_at) * 1000)::bigint, floor(extract(epoch from not_before) * 1000)::bigint,
    case when gates is not null or callback_of is not null or topic_name is not null or schedule_id is not null
              or redact is not null then
        json_strip_nulls(json_build_object(
            'queue_name', queue_name, 'flow_control', flow_control, 'priority', priority, 'redact', redact,
            'topic_name', topic_name, 'endpoint_name', endpoint_name, 'schedule_id', schedule_id,
            'keeps_waiting', (select substr(gate, length('queue:') + 1) from slots
                              where callback_of is not null and message_id = id and family = callback_of
                                and gate like 'queue:%')
        ))::text
    end ";

/// The types of [`LEASE_COLUMNS`].
pub(crate) type LeaseColumns = (
    SqlUuid,
    Integer,
    Integer,
    Text,
    Text,
    Text,
    Binary,
    Integer,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Array<Text>,
    Nullable<Text>,
    Nullable<SqlUuid>,
    BigInt,
    BigInt,
    Nullable<Text>,
);

statement! {
    /// Takes what is due, oldest first: pending messages whose time has come, and active ones whose
    /// lease ran out. The inner query runs once and locks only what it takes. A locked row cannot
    /// move before the statement ends, so its physical place is the shortest way back to it, and the
    /// planner has no join to choose.
    ///
    /// Of large messages as many are taken as have room. Postgres knows the length of a body without reading it.
    ///
    /// A message with limits is not leased but blocked at its first limit. One whose lease expired as well: it is
    /// started once more, and whether it may be is for its limits to say. As after any attempt the slots of its keys
    /// are free, and that of its queue is not. All of its limits are wake-ups.
    ///
    /// The commit does not wait for the disk. If Postgres goes down before the lease is written, the
    /// message is found as it was and delivered again, as after any lost lease; and what came of a
    /// delivery is never on disk before its lease, because the log is written in order.
    Claim {
        largest: i32 => Integer,
        small: i32 => Integer,
        most: i64 => BigInt,
        bytes: i64 => BigInt,
        token: Uuid => SqlUuid,
        lease_s: f64 => Double,
    } -> (Nullable<Array<Text>>, Nullable<Double>, Nullable<LeaseColumns>);
    "with due as materialized (
        select ctid as place, due_at, id, greatest(0, octet_length(body) - " {small} ") as large
        from messages where due_at <= now() and octet_length(body) <= " {largest} "
        order by due_at, id limit " {most} " for update skip locked
    ),
    weighed as materialized (
        -- The first large one fits whatever its size: then the sum is its own.
        select place, large = 0 or sum(large) over (order by due_at, id rows unbounded preceding)
                                   <= greatest(large, " {bytes} ") as fits
        from due
    ),
    taken(limits, wake_in_s, id, retried, deliveries, url, method, header, body, retries, timeout_ms,
                retry_delay, callback, failure_callback, labels, caller_ip, callback_of, created_at_ms, not_before_ms,
                extras) as (
        update messages set
            state = case when gates is null then 'active'::message_state else 'pending' end,
            lease_token = case when gates is null then " {token} "::uuid end,
            due_at = case when gates is null then now() + make_interval(secs => " {lease_s} ") end,
            deliveries = deliveries + (gates is null)::int,
            waits_for = gates[1]
        where ctid = any(array(select place from weighed where fits)) and (select set_config('synchronous_commit', 'off', true)) = 'off'
        returning case when waits_for is not null then gates end,
                  case when waits_for is null then (select 'infinity'::float8 from weighed where not fits limit 1) end,
                  " [LEASE_COLUMNS] "
    ),
    logged as (insert into events (message_id, state) select id, 'ACTIVE' from taken where limits is null),
    given_back as (
        delete from slots s using taken t where t.limits is not null and s.message_id = t.id and s.gate like 'flow:%'
    )
    select * from taken"
}

/// The limits to claim at and the time until then, or a time alone until messages are due, or a lease. An endless time
/// lasts until large messages have room; it may stand with a lease.
pub(crate) type Row = (Option<Vec<String>>, Option<f64>, Option<LeaseRow>);

#[derive(Queryable)]
pub(crate) struct LeaseRow {
    id: Uuid,
    retried: i32,
    deliveries: i32,
    url: String,
    method: String,
    header: String,
    body: Vec<u8>,
    retries: i32,
    timeout_ms: Option<i64>,
    retry_delay: Option<String>,
    callback: Option<String>,
    failure_callback: Option<String>,
    labels: Vec<String>,
    caller_ip: Option<String>,
    callback_of: Option<Uuid>,
    created_at_ms: i64,
    not_before_ms: i64,
    extras: Option<String>,
}

impl LeaseRow {
    fn into_lease(self, token: Uuid) -> Lease {
        let stored = Stored(self.id);
        let retry_delay = self.retry_delay.map(|text| RetryDelay::parse("Upstash-Retry-Delay", &text)).transpose();
        Lease {
            token,
            retried: self.retried.unsigned_abs(),
            deliveries: self.deliveries.unsigned_abs(),
            created_at_ms: self.created_at_ms,
            not_before_ms: self.not_before_ms,
            message: Message {
                id: MessageId(self.id),
                url: self.url,
                method: stored.field("method", self.method.parse()),
                header: stored.text("header", Some(self.header)),
                body: self.body.into(),
                retries: self.retries.unsigned_abs(),
                timeout: self.timeout_ms.map(|ms| Duration::from_millis(ms.unsigned_abs())),
                retry_delay: stored.field("retry_delay", retry_delay),
                callback: stored.text("callback", self.callback),
                failure_callback: stored.text("failure_callback", self.failure_callback),
                labels: self.labels,
                caller_ip: self.caller_ip,
                callback_of: self.callback_of.map(MessageId),
                extras: stored.text("extras", self.extras),
            },
        }
    }
}

impl Claimed {
    /// Bytes of the bodies that were read.
    pub fn body_bytes(&self) -> usize {
        self.leases.iter().map(|lease| lease.message.body.len()).sum()
    }

    /// The leases have this token.
    pub(crate) fn new(rows: Vec<Row>, token: Uuid) -> Self {
        let mut claimed = Self { leases: Vec::with_capacity(rows.len()), ..Self::default() };
        for (limits, seconds, lease) in rows {
            let is_endless = seconds.is_some_and(f64::is_infinite);
            let wake_ups = if is_endless { &mut claimed.postponed } else { &mut claimed.wake_ups };
            let wake_in = seconds.filter(|_| !is_endless).map_or(Duration::ZERO, time_until);
            match limits {
                Some(limits) => limits.into_iter().for_each(|limit| wake_ups.add_limit(limit, wake_in)),
                None => {
                    seconds.into_iter().for_each(|_| wake_ups.add_due(wake_in));
                    claimed.leases.extend(lease.map(|lease| lease.into_lease(token)));
                }
            }
        }
        claimed
    }
}

/// Takes due messages within the bound. Fewer means that no more were due, or that others hold them, or that large ones
/// are postponed.
pub async fn claim(conn: &mut AsyncPgConnection, lease: LeaseTerms, bound: Bound) -> Result<Claimed, Error> {
    let statement = Claim {
        largest: if bound.bytes == 0 { number(bound.small) } else { i32::MAX },
        small: number(bound.small),
        most: i64::try_from(bound.messages).unwrap_or(i64::MAX),
        bytes: i64::try_from(bound.bytes).unwrap_or(i64::MAX),
        token: lease.token,
        lease_s: lease.length.as_secs_f64(),
        lifetime: PhantomData,
    };
    Ok(Claimed::new(statement.load(conn).await?, lease.token))
}

pub(crate) fn number(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}
