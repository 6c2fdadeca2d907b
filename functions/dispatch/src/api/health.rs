//! Probes, which do not require a token.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Json;
use axum::extract::State as FromState;
use sigpost_qstash::Health;
use sigpost_runtime::{ApiError, outage};
use sigpost_store::{Database, Error};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::state::State;

/// How long a result is cached: probes cost at most one write per second.
const TESTED_FOR: Duration = Duration::from_secs(1);
/// Timeout of a test.
const TEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns 200 while the process runs. Does not query the database.
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok".into() })
}

/// Returns 200 if the database accepts a write.
pub(crate) async fn readyz(FromState(state): FromState<Arc<State>>) -> Result<Json<Health>, ApiError> {
    state.readiness.test(&state.database).await?;
    Ok(Json(Health { status: "ready".into() }))
}

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

/// Tests the database after requests were rejected, until it is available again, so that the recovery is logged even
/// without requests.
pub(crate) async fn watch_outages(state: Weak<State>) {
    loop {
        outage::begun().await;
        loop {
            sleep(TESTED_FOR).await;
            let Some(state) = state.upgrade() else { return };
            if state.readiness.test(&state.database).await.is_ok() && outage::recovered(TESTED_FOR) {
                break;
            }
        }
    }
}

fn copy(result: &Result<(), Error>) -> Result<(), Error> {
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(error.for_another()),
    }
}
