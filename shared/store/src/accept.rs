//! Accepts messages: inserts batches, each in one statement.

mod columns;
mod plain;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use sigpost_qstash::{Callback, MessageId, Start};
use uuid::Uuid;

use self::columns::Columns;
use crate::gates::ensure_gates;
pub use crate::leases::LeaseTerms;
use crate::messages::{Extras, Message};
use crate::{Error, WakeUps};

/// A message to insert.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The message.
    pub message: Message,
    /// The earliest time of delivery.
    pub start: Start,
    /// With a key, an earlier message with this key is returned instead.
    pub deduplicate: Option<Deduplicate>,
}

impl NewMessage {
    /// Returns whether the message is blocked from its insertion on. A message of a queue is blocked even before its
    /// time: its place in the queue is that of its acceptance.
    pub fn is_parked(&self) -> bool {
        self.message.has_gates() && (self.start == Start::Now || self.message.extras.queue_name.is_some())
    }

    /// Returns the size of the message in a statement.
    pub fn size_bytes(&self) -> usize {
        let message = &self.message;
        let callbacks = message.callback.iter().chain(&message.failure_callback);
        let callbacks = callbacks.map(|callback| callback.url.as_str().len() + callback.options.headers.size_bytes());
        message.body.len() + message.url.len() + message.header.size_bytes() + callbacks.sum::<usize>()
    }
}

/// A deduplication key, which one message at a time may have.
#[derive(Clone, Debug)]
pub struct Deduplicate {
    /// The key; see `sigpost_qstash::deduplicate`.
    pub key: String,
    /// The deduplication window.
    pub window: Duration,
    /// Whether a failure of the message releases the key.
    pub release_on_failure: bool,
}

/// A message, and whether to insert it with a lease: it is due now, and this process delivers it right after the
/// commit, which saves the claim.
#[derive(Debug)]
pub struct Arrival {
    /// The message.
    pub new: NewMessage,
    /// Whether to insert it with a lease.
    pub leased: bool,
}

impl Arrival {
    /// Returns whether it has a queue or a flow-control key.
    pub fn has_limits(&self) -> bool {
        self.new.message.has_gates()
    }
}

/// The result of a batch.
#[derive(Debug)]
pub struct Accepted {
    /// When the batch was stored, by the database's clock, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// For each arrival, in order: the ID of the earlier message with its key, if any. Such arrivals were not stored.
    pub duplicate_of: Vec<Option<MessageId>>,
    /// When stored, unleased messages may start, and the limits that the batch changed.
    pub wake_ups: WakeUps,
}

impl Accepted {
    fn new(created_at_ms: i64, duplicate_of: Vec<Option<MessageId>>, batch: &[Arrival], mut wake_ups: WakeUps) -> Self {
        let stored = batch.iter().zip(&duplicate_of).filter(|(_, duplicate_of)| duplicate_of.is_none());
        for (Arrival { new, .. }, _) in stored.filter(|(arrival, _)| !arrival.leased) {
            if new.is_parked() {
                new.message.gates().into_iter().take(1).for_each(|gate| wake_ups.add_limit(gate, Duration::ZERO));
                continue;
            }
            wake_ups.add_due(match new.start {
                Start::Now => Duration::ZERO,
                Start::After(delay) => delay,
                Start::At(time) => Duration::from_millis(
                    u64::try_from(time.as_millisecond().saturating_sub(created_at_ms)).unwrap_or(0),
                ),
            });
        }
        Self { created_at_ms, duplicate_of, wake_ups }
    }
}

statement! {
    /// Inserts a batch; see `accept.sql`.
    Accept {
        ids: Vec<Uuid> => Array<SqlUuid>,
        are_leased: Vec<bool> => Array<Bool>,
        delays_s: Vec<f64> => Array<Double>,
        at_ms: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        urls: Vec<&'a str> => Array<Text>,
        methods: Vec<&'static str> => Array<Text>,
        headers: Vec<String> => Array<Text>,
        bodies: Vec<&'a [u8]> => Array<Binary>,
        retries: Vec<i32> => Array<Integer>,
        caller_ips: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        keys: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        windows_s: Vec<f64> => Array<Double>,
        destinations: Vec<i64> => Array<BigInt>,
        rest: Vec<Option<String>> => Array<Nullable<Text>>,
        token: Uuid => SqlUuid,
        lease_s: f64 => Double,
        notify: bool => Bool,
    } -> (BigInt, Nullable<Text>, Nullable<SqlUuid>);
    file "accept/accept.sql"
}

/// Inserts a batch with newly created IDs. With `notify`, dispatchers query for work when the transaction commits. If
/// a message exists already, the statement may fail for the whole batch; [`accept`] reports duplicates one by one.
pub async fn accept_new(
    conn: &mut AsyncPgConnection,
    batch: &[Arrival],
    lease: LeaseTerms,
    notify: bool,
) -> Result<Accepted, Error> {
    if batch.iter().all(plain::is_plain) {
        plain::accept_plain(conn, batch, lease, notify).await
    } else {
        accept(conn, batch, lease, notify).await
    }
}

/// Inserts the batch in one statement and one commit (or in the caller's transaction). `notify` as in [`accept_new`].
///
/// The call is idempotent: if it is unknown whether it was committed, repeat it with the same batch and lease.
/// Existing rows stay unchanged.
pub async fn accept(
    conn: &mut AsyncPgConnection,
    batch: &[Arrival],
    lease: LeaseTerms,
    notify: bool,
) -> Result<Accepted, Error> {
    // If a batch has a key twice, the first message takes it, and the others are its duplicates.
    let mut first_with_key: HashMap<&str, usize> = HashMap::new();
    let mut original: Vec<Option<usize>> = Vec::with_capacity(batch.len());
    for (index, arrival) in batch.iter().enumerate() {
        let key = arrival.new.deduplicate.as_ref().map(|deduplicate| deduplicate.key.as_str());
        original.push(key.and_then(|key| match *first_with_key.entry(key).or_insert(index) {
            first if first == index => None,
            first => Some(first),
        }));
    }
    let sent = || batch.iter().zip(&original).filter(|(_, original)| original.is_none()).map(|(arrival, _)| arrival);

    let wake_ups = ensure_gates(conn, sent().map(|arrival| &arrival.new.message)).await?;
    let Columns { ids, are_leased, urls, methods, headers, bodies, retries, caller_ips, destinations } =
        Columns::of(sent());
    let statement = Accept {
        ids,
        are_leased,
        delays_s: sent()
            .map(|arrival| match arrival.new.start {
                Start::After(delay) => delay.as_secs_f64(),
                Start::Now | Start::At(_) => 0.0,
            })
            .collect(),
        at_ms: sent()
            .map(|arrival| match arrival.new.start {
                Start::At(time) => Some(time.as_millisecond()),
                Start::Now | Start::After(_) => None,
            })
            .collect(),
        urls,
        methods,
        headers,
        bodies,
        retries,
        caller_ips,
        keys: sent().map(|arrival| arrival.new.deduplicate.as_ref().map(|d| d.key.as_str())).collect(),
        windows_s: sent()
            .map(|arrival| arrival.new.deduplicate.as_ref().map_or(0.0, |d| d.window.as_secs_f64()))
            .collect(),
        destinations,
        rest: sent().map(|arrival| rest(&arrival.new)).collect(),
        token: lease.token,
        lease_s: lease.length.as_secs_f64(),
        notify,
        lifetime: PhantomData,
    };
    let rows: Vec<(i64, Option<String>, Option<Uuid>)> = statement.load(conn).await?;

    let holders: HashMap<&str, Uuid> =
        rows.iter().filter_map(|(_, key, holder)| Some((key.as_deref()?, (*holder)?))).collect();
    let duplicate_of = batch
        .iter()
        .map(|arrival| {
            let key = arrival.new.deduplicate.as_ref()?.key.as_str();
            holders.get(key).filter(|holder| **holder != arrival.new.message.id.0).map(|holder| MessageId(*holder))
        })
        .collect();
    let created_at_ms = rows.as_slice().first().map_or(0, |(at_ms, ..)| *at_ms);
    Ok(Accepted::new(created_at_ms, duplicate_of, batch, wake_ups))
}

/// Returns whether the message has any of the rare options.
fn has_rest(new: &NewMessage) -> bool {
    let message = &new.message;
    message.extras != Extras::default()
        || message.timeout.is_some()
        || message.retry_delay.is_some()
        || message.callback.is_some()
        || message.failure_callback.is_some()
        || !message.labels.is_empty()
        || message.callback_of.is_some()
        || releases_on_failure(new)
}

fn releases_on_failure(new: &NewMessage) -> bool {
    new.deduplicate.as_ref().is_some_and(|deduplicate| deduplicate.release_on_failure)
}

/// Returns the rare options as JSON for the statement: a list for each would cost every message. It also has the
/// limits, the limit at which the message is blocked, and the deduplication settings. `None` for most messages.
fn rest(new: &NewMessage) -> Option<String> {
    #[derive(Serialize)]
    struct Rest<'a> {
        #[serde(flatten)]
        extras: &'a Extras,
        gates: &'a [String],
        blocked_by: Option<&'a String>,
        release_on_failure: bool,
        timeout_ms: Option<i64>,
        retry_delay: Option<String>,
        // Absent fields are skipped, since a null would be stored as such.
        #[serde(skip_serializing_if = "Option::is_none")]
        callback: Option<&'a Callback>,
        #[serde(skip_serializing_if = "Option::is_none")]
        failure_callback: Option<&'a Callback>,
        labels: &'a [String],
        callback_of: Option<Uuid>,
    }
    if !has_rest(new) {
        return None;
    }
    let message = &new.message;
    let gates = message.gates();
    Some(json(&Rest {
        extras: &message.extras,
        blocked_by: gates.as_slice().first().filter(|_| new.is_parked()),
        gates: &gates,
        release_on_failure: releases_on_failure(new),
        timeout_ms: message.timeout.map(millis),
        retry_delay: message.retry_delay.as_ref().map(ToString::to_string),
        callback: message.callback.as_deref(),
        failure_callback: message.failure_callback.as_deref(),
        labels: &message.labels,
        callback_of: message.callback_of.map(|id| id.0),
    }))
}

fn json(value: &impl serde::Serialize) -> String {
    // Maps with string keys and plain values cannot fail to serialize.
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
