//! The interface of schedule drivers.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sigpost_qstash::Cron;
use sigpost_runtime::ApiError;

/// Fires schedules at their times. A driver is notified of every change after the commit and reads the row, which is the
/// source of truth.
pub(crate) trait ScheduleDriver: Send + Sync {
    /// Checks that the driver supports the expression, before the schedule is stored. The error, a 400, names `field`.
    fn check(&self, field: &str, cron: &Cron) -> Result<(), ApiError>;

    /// After this delay, a firing counts as missed by this driver, and Lambda's tick fires it.
    fn patience(&self) -> Duration;

    /// Handles a schedule that was created, replaced, paused, resumed or deleted, according to its row. May be called
    /// repeatedly, also for an ID that never existed. The error is the response to the request with the change.
    fn changed<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ApiError>>;
}
