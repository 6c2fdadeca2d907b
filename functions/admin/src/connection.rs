//! Database connections of the admin API and the console. In `sigpost serve` they share a small pool with the lists of
//! the API.

use std::time::{Duration, Instant};

use sigpost_runtime::ApiError;
use sigpost_store::database::Connection;
use sigpost_store::{Database, Error};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Timeout of a test whether the database is available.
const TEST_TIMEOUT: Duration = Duration::from_secs(1);
/// Lifetime of the result of a test.
const TESTED_FOR: Duration = Duration::from_secs(1);

/// Error of a read.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// Every connection is in use.
    TooManyLists,
    Failed(Error),
}

impl From<Error> for NoAnswer {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<NoAnswer> for ApiError {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::TooManyLists => Self::too_many_lists(),
            NoAnswer::Failed(error) => error.into(),
        }
    }
}

/// Returns a connection of the pool.
pub(crate) async fn connection(database: &Database) -> Result<Connection, NoAnswer> {
    match database.connection().await {
        Ok(conn) => Ok(conn),
        Err(_) if is_available(database).await => Err(NoAnswer::TooManyLists),
        Err(error) => Err(error.into()),
    }
}

/// Whether the database responds on a new connection. Concurrent requests share a test.
async fn is_available(database: &Database) -> bool {
    static LAST: Mutex<Option<(Instant, bool)>> = Mutex::const_new(None);
    let mut last = LAST.lock().await;
    if let Some((at, is_available)) = *last
        && at.elapsed() < TESTED_FOR
    {
        return is_available;
    }
    let tested = timeout(TEST_TIMEOUT, database.with(1, TEST_TIMEOUT).ping()).await;
    let is_available = matches!(tested, Ok(Ok(())));
    *last = Some((Instant::now(), is_available));
    is_available
}
