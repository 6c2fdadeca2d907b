//! How many runs and messages ended when: from the rollups, and what is not rolled up yet from its rows. And how
//! many messages were open when: from samples, which dispatchers take.
//!
//! Nobody keeps the rollups up to date all the time: whoever asks calls [`catch_up`] first, and so does check-job-health.

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

/// Three decimals: what is behind them is not measured.
pub fn milli(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

/// Up to this long a window is looked at by the minute, which the rollups keep for a day.
const BY_MINUTE: Duration = Duration::from_secs(3 * 3600);

/// From so long ago until now. It begins with a whole minute, and with a whole hour when it is longer than three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(Duration);

impl Window {
    /// As long as the rollups go back at most, which is 400 days.
    pub fn new(length: Duration) -> Self {
        Self(length)
    }

    /// How long it is.
    pub fn length(self) -> Duration {
        self.0
    }

    /// What a point of a series sums over.
    pub fn step(self) -> Duration {
        Duration::from_secs(if self.is_by_hour() { 3600 } else { 60 })
    }

    fn is_by_hour(self) -> bool {
        self.0 > BY_MINUTE
    }

    fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }

    /// The unit in which it begins, as Postgres names it.
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

/// Rolls up what has ended, if that was last done minutes ago. After a long time without anybody who asked
/// it takes a moment: it goes day by day, each in a transaction of its own.
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
