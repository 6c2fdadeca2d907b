//! `GET /v2/keys` and `POST /v2/keys/rotate`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use sigpost_qstash::SigningKeys;
use sigpost_runtime::ApiError;
use sigpost_store::signing_keys;

use crate::state::State;

/// Returns the signing keys. The SDKs' development mode also uses this endpoint to detect a server.
pub(crate) async fn get_keys(FromState(state): FromState<Arc<State>>) -> Result<Json<SigningKeys>, ApiError> {
    let stored = signing_keys::find(&mut *state.database.connection().await?).await?;
    Ok(Json(stored.unwrap_or_else(|| state.keys.keys().signing_keys.clone())))
}

/// Rotates the keys: the next key becomes the current one. Receivers with both keys need no change.
pub(crate) async fn rotate_keys(FromState(state): FromState<Arc<State>>) -> Result<Json<SigningKeys>, ApiError> {
    let rotated = signing_keys::rotate(&mut *state.database.connection().await?).await?;
    state.keys.replace(rotated.clone());
    Ok(Json(rotated))
}
