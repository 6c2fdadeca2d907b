//! Ended runs and messages over time, from the rollups and from rows that are not rolled up yet; and open messages
//! over time, from samples that dispatchers take.
//!
//! No background job keeps the rollups current: callers run [`catch_up`] first, and so does check-job-health.

mod histogram;
mod messages;
mod queue;
mod runs;

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub use self::histogram::{Durations, Histogram};
pub use self::messages::{MessageCounts, MessagePoint, message_series};
pub use self::queue::{Depth, QueuePoint, queue_series};
pub use self::runs::{RunPoint, TypeMetrics, failure_rate, run_series, runs_by_type};
use crate::Error;

/// Rounds to three decimals, the precision of the measurement.
pub fn milli(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

/// Longest window with a resolution of minutes, which the rollups keep for a day.
const BY_MINUTE: Duration = Duration::from_secs(3 * 3600);

/// A time window that ends now. It begins with a whole minute, or with a whole hour if it is longer than three hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(Duration);

impl Default for Window {
    /// Returns the window of job health: an hour.
    fn default() -> Self {
        Self(Duration::from_secs(3600))
    }
}

impl Window {
    /// Creates a window, of at most the 400 days that the rollups cover.
    pub fn new(length: Duration) -> Self {
        Self(length)
    }

    /// Returns the length.
    pub fn length(self) -> Duration {
        self.0
    }

    /// Returns the length of a point in a series.
    pub fn step(self) -> Duration {
        Duration::from_secs(if self.is_by_hour() { 3600 } else { 60 })
    }

    fn is_by_hour(self) -> bool {
        self.0 > BY_MINUTE
    }

    fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }

    /// Returns the unit of its beginning, as Postgres names it.
    fn unit(self) -> &'static str {
        if self.is_by_hour() { "hour" } else { "minute" }
    }
}

statement! {
    IsBehind {} -> Bool;
    "select exists (select from rollup_progress where until < now() - interval '3 minutes')"
}

statement! {
    RollUp {} -> Bool;
    "select roll_up()"
}

/// Rolls up ended rows, if the last rollup is minutes old. After a long pause it takes a moment: it proceeds day by
/// day, each in its own transaction.
pub async fn catch_up(conn: &mut AsyncPgConnection) -> Result<(), Error> {
    let behind: bool = IsBehind { lifetime: PhantomData }.get_result(conn).await?;
    if !behind {
        return Ok(());
    }
    loop {
        let done: bool = RollUp { lifetime: PhantomData }.get_result(conn).await?;
        if done {
            return Ok(());
        }
    }
}
