//! Who makes schedules fire.

use futures_util::future::BoxFuture;
use sigpost_runtime::ApiError;

/// Makes schedules fire at their times. It is told of every change after the row is committed, and
/// reads there what it needs: the row is the truth, and what a driver keeps is a copy.
///
/// Every call may be repeated. An error is the answer to the request that made the change.
pub(crate) trait ScheduleDriver: Send + Sync {
    /// The schedule with this id was created, replaced, paused or resumed.
    fn changed<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ApiError>>;

    /// The schedule with this id was deleted.
    fn deleted<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ApiError>>;
}
