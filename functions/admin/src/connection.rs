//! A connection for what the admin API and the console read. In `sigpost serve` they share a few with the lists of the API.

use std::time::{Duration, Instant};

use sigpost_runtime::ApiError;
use sigpost_store::database::Connection;
use sigpost_store::{Database, Error};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long a database may take that is available.
const TEST_TIMEOUT: Duration = Duration::from_secs(1);
/// The result of a test counts for so long.
const TESTED_FOR: Duration = Duration::from_secs(1);

/// Why nothing is read.
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

/// A connection of the pool.
pub(crate) async fn connection(database: &Database) -> Result<Connection, NoAnswer> {
    match database.connection().await {
        Ok(conn) => Ok(conn),
        Err(_) if is_available(database).await => Err(NoAnswer::TooManyLists),
        Err(error) => Err(error.into()),
    }
}

/// Whether the database responds on a connection of its own. Requests at the same time share a test.
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
