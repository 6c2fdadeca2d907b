//! Who makes schedules fire.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sigpost_qstash::Cron;
use sigpost_runtime::ApiError;

/// Makes schedules fire at their times. It is told of every change after the row is committed, and
/// reads there what it needs: the row is the truth, and what a driver keeps is a copy.
pub(crate) trait ScheduleDriver: Send + Sync {
    /// Whether it can make such a schedule fire; the error, a 400, names `field`. Asked
    /// before anything is stored.
    fn check(&self, field: &str, cron: &Cron) -> Result<(), ApiError>;

    /// How late a firing is when this driver has lost it, and somebody else is to make up for it.
    fn patience(&self) -> Duration;

    /// The schedule with this id was created, replaced, paused, resumed or deleted, which its row
    /// says. May be called again, also for what never was. An error is the answer to the request
    /// that made the change.
    fn changed<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ApiError>>;
}
