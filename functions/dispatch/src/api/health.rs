//! Probes, outside the token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use schemars::JsonSchema;
use serde::Serialize;
use sigpost_runtime::ApiError;

use crate::state::State;

/// A probe's answer when all is well.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    status: &'static str,
}

/// The process runs. Asks nobody.
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The process can work: the database answers.
pub(crate) async fn readyz(FromState(state): FromState<Arc<State>>) -> Result<Json<Health>, ApiError> {
    state.database.ping().await?;
    Ok(Json(Health { status: "ready" }))
}
