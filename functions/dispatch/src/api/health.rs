//! Probes, which do not require a token.

use std::sync::{Arc, Weak};

use axum::Json;
use axum::extract::State as FromState;
use sigpost_qstash::Health;
use sigpost_runtime::{ApiError, outage};
use tokio::time::sleep;

use crate::readiness::TESTED_FOR;
use crate::state::State;

/// Returns 200 while the process runs. Does not query the database.
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok".into() })
}

/// Returns 200 if the database accepts a write.
pub(crate) async fn readyz(FromState(state): FromState<Arc<State>>) -> Result<Json<Health>, ApiError> {
    state.readiness.test(&state.database).await?;
    Ok(Json(Health { status: "ready".into() }))
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
