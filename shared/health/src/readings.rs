//! What the checks read.

use std::collections::BTreeMap;
use std::time::Duration;

use sigpost_store::alerts::{self, Alert, Facts};
use sigpost_store::health::{Dispatchers, Late, Numbers, dispatchers, late_schedules, measure};
use sigpost_store::metrics::{MessageCounts, Window, failure_rate, message_series};
use sigpost_store::{AsyncPgConnection, Error};

/// Measurements of a deployment. What was not measured has its default, with which every check passes.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// Window of the numbers.
    pub window: Window,
    /// Runs, stuck runs, open messages and dead letters.
    pub numbers: Numbers,
    /// Attempts and ended messages in the window.
    pub messages: MessageCounts,
    /// The dispatchers.
    pub dispatchers: Dispatchers,
    /// Schedules with a due firing.
    pub late_schedules: Vec<Late>,
    /// Open alerts.
    pub alerts: Vec<Alert>,
    /// What only `check-job-health` measures.
    pub deployment: Deployment,
}

/// Measurements that the verdict does not depend on.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// Facts from the database.
    pub facts: Facts,
    /// Response time of the database.
    pub response_time: Duration,
    /// This process's clock minus the database's, in seconds.
    pub clock_skew_s: f64,
    /// Number of pending migrations.
    pub migrations_missing: usize,
    /// Maximum time between completions by job type.
    pub expected: BTreeMap<String, Duration>,
}

/// Jobs that ended in a window: runs, or messages if no handler records runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Completed runs, or delivered messages.
    pub completed: i64,
    /// Failed ones.
    pub failed: i64,
    /// Whether these are runs.
    pub are_runs: bool,
}

impl Readings {
    /// Measures over a window. The rollups should be [caught up](sigpost_store::metrics::catch_up). It reads rollups, and
    /// a bounded number of rows of each kind.
    pub async fn measure(conn: &mut AsyncPgConnection, window: Window) -> Result<Self, Error> {
        let messages = MessageCounts::sum(&message_series(conn, window).await?);
        Self::measure_with(conn, window, messages).await
    }

    /// Measures over a window whose messages were already counted.
    pub async fn measure_with(
        conn: &mut AsyncPgConnection,
        window: Window,
        messages: MessageCounts,
    ) -> Result<Self, Error> {
        Ok(Self {
            window,
            numbers: measure(conn, window).await?,
            messages,
            dispatchers: dispatchers(conn).await?,
            late_schedules: late_schedules(conn).await?,
            alerts: alerts::open(conn).await?,
            deployment: Deployment::default(),
        })
    }

    /// Returns the jobs that ended in the window.
    pub fn ended(&self) -> Ended {
        let (runs, messages) = (&self.numbers.by_type, &self.messages);
        if runs.is_empty() {
            return Ended { completed: messages.delivered, failed: messages.failed, are_runs: false };
        }
        let completed = runs.iter().map(|one| one.completed).sum();
        Ended { completed, failed: runs.iter().map(|one| one.failed).sum(), are_runs: true }
    }

    /// Returns the share of failed runs among ended ones, or of failed messages; 0 without any.
    pub fn failure_rate(&self) -> f64 {
        let Ended { completed, failed, .. } = self.ended();
        failure_rate(completed, failed)
    }

    /// Returns the oldest due age in seconds; 0 without due messages.
    pub(crate) fn oldest_due_s(&self) -> f64 {
        self.numbers.queue.oldest_due_s.unwrap_or_default()
    }

    /// Returns the window in words.
    pub(crate) fn period(&self) -> String {
        match self.window.length().as_secs() {
            3600 => "the last hour".to_owned(),
            86_400 => "the last day".to_owned(),
            s if s.is_multiple_of(86_400) => format!("the last {} days", s / 86_400),
            s if s.is_multiple_of(3600) => format!("the last {} hours", s / 3600),
            s if s.is_multiple_of(60) => format!("the last {} min", s / 60),
            s => format!("the last {s} s"),
        }
    }
}
