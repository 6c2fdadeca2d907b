//! Claims due messages: leases many in one statement, by any number of concurrent dispatchers.

mod content;

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

pub(crate) use self::content::{Content, ContentColumns};
use crate::destination::Destination;
use crate::leases::LeaseTerms;
use crate::messages::Message;
use crate::wake_ups::time_until;
use crate::{Error, WakeUps};

/// A message leased to this process, which must deliver it once.
#[derive(Debug)]
pub struct Lease {
    /// The message.
    pub message: Message,
    /// The lease token: a fence for every write about this attempt.
    pub token: Uuid,
    /// Failed attempts recorded before this one.
    pub retried: u32,
    /// Leases, including this one. More than `retried + 1` means that leases expired.
    pub deliveries: u32,
    /// When it was accepted, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// The earliest first delivery, in milliseconds since 1970.
    pub not_before_ms: i64,
}

/// The result of a claim.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The messages leased to this process.
    pub leases: Vec<Lease>,
    /// Limits by which messages are blocked, and messages that entered their queue before they are due.
    pub wake_ups: WakeUps,
    /// Wake-ups for large messages that exceeded the bound.
    pub postponed: WakeUps,
    /// Limits with messages that can start, which were skipped because of their destination.
    pub left_out: Vec<(String, Destination)>,
}

/// The maximum of one claim.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Maximum of messages.
    pub messages: usize,
    /// Bodies up to this size do not count.
    pub small: usize,
    /// Maximum size of all bodies beyond the small part, in bytes. One message may exceed it, unless it is 0: then
    /// only small messages are claimed.
    pub bytes: usize,
}

statement! {
    Claim {
        largest: i32 => Integer,
        small: i32 => Integer,
        most: i64 => BigInt,
        bytes: i64 => BigInt,
        token: Uuid => SqlUuid,
        lease_s: f64 => Double,
        with_expired: bool => Bool,
        without: Vec<i64> => Array<BigInt>,
    } -> (Nullable<Array<Text>>, Nullable<Double>, Integer, Integer, Nullable<ContentColumns>);
    file "claim/claim.sql"
}

/// The limits that block the message; an infinite time if large messages were left; leases and failed attempts of the
/// message; its content, if it is leased.
type Row = (Option<Vec<String>>, Option<f64>, i32, i32, Option<Content>);

impl Claimed {
    /// Returns the bytes of the bodies read.
    pub fn body_bytes(&self) -> usize {
        self.leases.iter().map(|lease| lease.message.body.len()).sum()
    }

    /// Adds a wake-up at a limit, or else at a time. An infinite time lasts until there is capacity for large
    /// messages.
    pub(crate) fn add_wake_up(&mut self, limit: Option<String>, seconds: f64) {
        let wake_ups = if seconds.is_infinite() { &mut self.postponed } else { &mut self.wake_ups };
        let wake_in = if seconds.is_infinite() { Duration::ZERO } else { time_until(seconds) };
        match limit {
            Some(limit) => wake_ups.add_limit(limit, wake_in),
            None => wake_ups.add_due(wake_in),
        }
    }
}

/// Claims due messages within the bound. Fewer than the bound means that no more were due, or that other transactions
/// have locked them, or that large ones are postponed. Messages whose lease expired are claimed only `with_expired`,
/// and messages to the destinations in `without` are skipped.
pub async fn claim(
    conn: &mut AsyncPgConnection,
    lease: LeaseTerms,
    bound: Bound,
    with_expired: bool,
    without: &[Destination],
) -> Result<Claimed, Error> {
    let statement = Claim {
        largest: if bound.bytes == 0 { number(bound.small) } else { i32::MAX },
        small: number(bound.small),
        most: i64::try_from(bound.messages).unwrap_or(i64::MAX),
        bytes: i64::try_from(bound.bytes).unwrap_or(i64::MAX),
        token: lease.token,
        lease_s: lease.length.as_secs_f64(),
        with_expired,
        without: without.iter().map(|destination| destination.0).collect(),
        lifetime: PhantomData,
    };
    let rows: Vec<Row> = statement.load(conn).await?;
    let mut claimed = Claimed { leases: Vec::with_capacity(rows.len()), ..Claimed::default() };
    for (limits, postponed, deliveries, retried, content) in rows {
        if let Some(seconds) = postponed {
            claimed.add_wake_up(None, seconds);
        }
        for limit in limits.into_iter().flatten() {
            claimed.add_wake_up(Some(limit), 0.0);
        }
        claimed.leases.extend(content.map(|content| content.into_lease(lease.token, deliveries, retried)));
    }
    Ok(claimed)
}

pub(crate) fn number(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}
