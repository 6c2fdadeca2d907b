//! Compares the counts of the load generator and the sink with the database. With `retained.rs` this is the only
//! file that names tables of sigpost: change its statements when the tables change.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::sleep;

use crate::postgres;

/// Maximum time from the last receipt to the record of the last delivery.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// Messages, those that are pending, those that are delivered, and the attempts that delivered them.
const COUNTS: &str = "select
    (select count(*) from messages),
    (select count(*) from pending_deliveries),
    (select count(distinct message_id) from attempts where outcome = 'delivered'),
    (select count(*) from attempts where outcome = 'delivered')";
/// Whether a message is not delivered yet.
const HAS_OPEN: &str = "select exists (select from pending_deliveries)";

/// Seconds from $1 to the creation of the last message.
const LAST_MESSAGE: &str =
    "select extract(epoch from max(created_at) - $1::timestamptz)::double precision from messages";

/// The state that every message of a measurement must have at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Stored and pending.
    Accepted,
    /// Recorded as delivered, by one attempt.
    Delivered,
}

/// Row counts of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    messages: i64,
    pending: i64,
    delivered: i64,
    deliveries: i64,
}

/// Counts all rows.
pub(crate) async fn counts(url: &str) -> Result<Counts> {
    let row =
        postgres::connect(url).await?.query_one(COUNTS, &[]).await.context("counting the rows of the database")?;
    let [messages, pending, delivered, deliveries] = [0, 1, 2, 3].map(|column| row.get(column));
    Ok(Counts { messages, pending, delivered, deliveries })
}

/// Returns the time from this moment to the creation of the last message.
pub(crate) async fn seconds_until_last_message(url: &str, since: Timestamp) -> Result<f64> {
    let since = SystemTime::from(since);
    let row = postgres::connect(url).await?.query_one(LAST_MESSAGE, &[&since]).await;
    Ok(row.context("reading the last message")?.get(0))
}

/// Waits until every message is recorded as delivered.
pub(crate) async fn recorded(url: &str) -> Result<()> {
    let client = postgres::connect(url).await?;
    let started = Instant::now();
    while client.query_one(HAS_OPEN, &[]).await.context("reading the open messages")?.get(0) {
        let patience = PATIENCE.as_secs();
        ensure!(started.elapsed() < PATIENCE, "{patience} s after the last receipt not every delivery is recorded");
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Checks that an initially empty database holds exactly these messages and their events.
pub(crate) async fn check(url: &str, messages: u64, expected: Expected) -> Result<()> {
    check_beside(url, Counts::default(), messages, expected).await
}

/// Like [`check`], for a database that held other messages before.
pub(crate) async fn check_beside(url: &str, before: Counts, messages: u64, expected: Expected) -> Result<()> {
    let messages = i64::try_from(messages)?;
    let (pending, delivered) = match expected {
        Expected::Accepted => (messages, 0),
        Expected::Delivered => (0, messages),
    };
    if expected == Expected::Delivered {
        recorded(url).await?;
    }
    let expected = Counts {
        messages: before.messages + messages,
        pending: before.pending + pending,
        delivered: before.delivered + delivered,
        deliveries: before.deliveries + delivered,
    };
    let found = counts(url).await?;
    ensure!(found == expected, "the database holds {found:?} instead of {expected:?}");
    Ok(())
}
