//! Probes, outside the token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use serde_json::{Value, json};
use sigpost_runtime::ApiError;

use crate::state::State;

/// The process runs. Asks nobody.
pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// The process can work: the database answers.
pub(crate) async fn readyz(FromState(state): FromState<Arc<State>>) -> Result<Json<Value>, ApiError> {
    state.database.ping().await?;
    Ok(Json(json!({ "status": "ready" })))
}
