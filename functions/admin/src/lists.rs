//! `GET /api/admin/{active,dead-letters,schedules,throttle,keys}`: what runs, what failed, what is late and
//! what is held back, each list with its first hundred rows.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use sigpost_runtime::ApiError;
use sigpost_store::Database;
use sigpost_store::operation::{active_runs, dead_letter_groups, gate_states, key_state, schedule_states};

use crate::answer::answer;

/// Runs under way, the oldest first.
pub(crate) async fn list_active(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(json!({ "runs": active_runs(conn).await? }))).await
}

/// Dead letters by destination and answer, the largest group first. One by one they are in `/v2/dlq`.
pub(crate) async fn list_dead_letters(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(json!({ "groups": dead_letter_groups(conn).await? }))).await
}

/// Schedules with how late they are, those that fire next first.
pub(crate) async fn list_schedules(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(json!({ "schedules": schedule_states(conn).await? }))).await
}

/// Queues and flow-control keys, those at which most wait first.
pub(crate) async fn list_throttle(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(json!({ "gates": gate_states(conn).await? }))).await
}

/// The age and the fingerprints of the signing keys; `null` before there are any.
pub(crate) async fn get_keys(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(json!({ "keys": key_state(conn).await? }))).await
}
