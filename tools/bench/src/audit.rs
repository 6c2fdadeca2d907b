//! Does the database agree with what was counted outside of it?

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::postgres;

/// How long after the last receipt the last delivery may be recorded.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

const COUNTS: &str = "select (select count(*) from messages),
    (select count(*) from messages where state = $1::text::message_state),
    (select count(*) from events where state = $2::text::event_state)";

/// What every message of a database is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Stored, and in the log as created.
    Accepted,
    /// Recorded as delivered, in the row and in the log.
    Delivered,
}

/// Makes sure that the database holds just these messages, and one event for each. Deliveries may
/// take a moment to be recorded.
pub(crate) async fn check(url: &str, messages: u64, expected: Expected) -> Result<()> {
    let client = postgres::connect(url).await?;
    let (state, event) = match expected {
        Expected::Accepted => ("pending", "CREATED"),
        Expected::Delivered => ("delivered", "DELIVERED"),
    };
    let started = Instant::now();
    loop {
        let row = client.query_one(COUNTS, &[&state, &event]).await.context("counting what the database holds")?;
        let counts: [i64; 3] = [row.get(0), row.get(1), row.get(2)];
        if counts.iter().all(|count| u64::try_from(*count) == Ok(messages)) {
            return Ok(());
        }
        ensure!(
            expected == Expected::Delivered && started.elapsed() < PATIENCE,
            "of {messages} messages the database holds {}, {} are {state}, and the log has {} {event} events",
            counts[0],
            counts[1],
            counts[2],
        );
        sleep(PAUSE).await;
    }
}
