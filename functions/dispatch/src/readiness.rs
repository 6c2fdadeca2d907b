//! Tests whether the database accepts writes.

use std::time::Duration;

use sigpost_store::{Database, Error};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long a result is cached: probes cost at most one write per second.
pub(crate) const TESTED_FOR: Duration = Duration::from_secs(1);
/// Timeout of a test.
const TEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The last test of the database, and when it ended.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Result<(), Error>)>>);

impl Readiness {
    /// Tests the database, or returns the cached result. Concurrent requests share a test.
    pub(crate) async fn test(&self, database: &Database) -> Result<(), Error> {
        let mut last = self.0.lock().await;
        if let Some((at, result)) = &*last
            && at.elapsed() < TESTED_FOR
        {
            return copy(result);
        }
        let result = match timeout(TEST_TIMEOUT, database.test_write()).await {
            Ok(result) => result,
            Err(_) => Err(Error::Unavailable(format!("no write within {} s", TEST_TIMEOUT.as_secs()))),
        };
        let told = copy(&result);
        *last = Some((Instant::now(), result));
        told
    }
}

fn copy(result: &Result<(), Error>) -> Result<(), Error> {
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(error.for_another()),
    }
}
