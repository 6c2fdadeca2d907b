//! Accepted, attempted and ended messages over time.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Double, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Window;
use crate::Error;

/// Counts of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// Accepted.
    pub accepted: i64,
    /// Delivered.
    pub delivered: i64,
    /// Failed attempts, including the last ones of messages.
    pub errors: i64,
    /// Failed.
    pub failed: i64,
    /// Cancelled.
    pub canceled: i64,
}

/// Counts of one step of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePoint {
    /// Start of the step, in seconds since 1970.
    pub at_s: i64,
    /// The counts.
    pub counts: MessageCounts,
}

impl MessageCounts {
    /// Returns the sum over several steps.
    pub fn sum(points: &[MessagePoint]) -> Self {
        points.iter().fold(Self::default(), |sum, MessagePoint { counts, .. }| Self {
            accepted: sum.accepted + counts.accepted,
            delivered: sum.delivered + counts.delivered,
            errors: sum.errors + counts.errors,
            failed: sum.failed + counts.failed,
            canceled: sum.canceled + counts.canceled,
        })
    }
}

statement! {
    Series { unit: &'static str => Text, window_s: f64 => Double, by_hour: bool => Bool, step: &'static str => Text }
    -> (BigInt, Text, BigInt);
    "select extract(epoch from date_trunc(" {step} ", at, 'utc'))::bigint, state::text, sum(messages)::bigint
     from message_tallies(date_trunc(" {unit} ", now() - make_interval(secs => " {window_s} "), 'utc'), " {by_hour} ")
     group by 1, 2"
}

/// Returns the counts of a window by step, in order. Steps without messages are omitted.
pub async fn message_series(conn: &mut AsyncPgConnection, window: Window) -> Result<Vec<MessagePoint>, Error> {
    let unit = window.unit();
    let statement =
        Series { unit, window_s: window.seconds(), by_hour: window.is_by_hour(), step: unit, lifetime: PhantomData };
    let rows: Vec<(i64, String, i64)> = statement.load(conn).await?;
    let mut points: BTreeMap<i64, MessageCounts> = BTreeMap::new();
    for (at_s, state, messages) in rows {
        let counts = points.entry(at_s).or_default();
        match state.as_str() {
            "CREATED" => counts.accepted += messages,
            "DELIVERED" => counts.delivered += messages,
            "ERROR" => counts.errors += messages,
            "FAILED" => counts.failed += messages,
            _ => counts.canceled += messages,
        }
    }
    Ok(points.into_iter().map(|(at_s, counts)| MessagePoint { at_s, counts }).collect())
}
