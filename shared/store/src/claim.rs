//! Claim: due messages are leased, many in one statement, by any number of dispatchers at once.

mod content;

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

pub(crate) use self::content::{Content, ContentColumns};
use crate::accept::LeaseTerms;
use crate::destination::Destination;
use crate::messages::Message;
use crate::wake_ups::time_until;
use crate::{Error, WakeUps};

/// A message leased to this process: the right, and the duty, to deliver it once.
#[derive(Debug)]
pub struct Lease {
    /// What to deliver.
    pub message: Message,
    /// Fences everything that is written about this delivery.
    pub token: Uuid,
    /// Failed attempts recorded before this one.
    pub retried: u32,
    /// Leases, this one included. More than `retried + 1` means that leases expired.
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
    /// Limits by which messages are blocked, and messages that entered their queue before they are due.
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

/// The limits that block the message; an endless time when large messages were left; leases and failed attempts of the
/// message; its content, if it is leased.
type Row = (Option<Vec<String>>, Option<f64>, i32, i32, Option<Content>);

impl Claimed {
    /// Bytes of the bodies that were read.
    pub fn body_bytes(&self) -> usize {
        self.leases.iter().map(|lease| lease.message.body.len()).sum()
    }

    /// Adds a wake-up at a limit, or at a time if there is none. An endless time lasts until large messages have room.
    pub(crate) fn add_wake_up(&mut self, limit: Option<String>, seconds: f64) {
        let wake_ups = if seconds.is_infinite() { &mut self.postponed } else { &mut self.wake_ups };
        let wake_in = if seconds.is_infinite() { Duration::ZERO } else { time_until(seconds) };
        match limit {
            Some(limit) => wake_ups.add_limit(limit, wake_in),
            None => wake_ups.add_due(wake_in),
        }
    }
}

/// Claims due messages within the bound. Fewer means that no more were due, or that others hold them, or that large ones
/// are postponed. Messages whose lease expired are claimed `with_expired` only, and messages `without` these destinations.
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
