//! `GET /api/admin/{active,dead-letters,schedules,throttle,keys}`: active runs, dead letters, schedules, limits and
//! signing keys. Each list has at most a hundred rows.

use axum::extract::State;
use axum::response::Response;
use sigpost_qstash::admin::{ActiveRuns, DeadLetterGroups, GateStates, KeyStates, ScheduleStates};
use sigpost_runtime::ApiError;
use sigpost_store::Database;
use sigpost_store::operation::{active_runs, dead_letter_groups, gate_states, key_state, schedule_states};

use crate::answer::answer;

/// Returns active runs, oldest first.
pub(crate) async fn list_active(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(ActiveRuns { runs: active_runs(conn).await? })).await
}

/// Returns dead letters grouped by destination and response, largest group first. `/v2/dlq` lists them individually.
pub(crate) async fn list_dead_letters(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(DeadLetterGroups { groups: dead_letter_groups(conn).await? })).await
}

/// Returns schedules with their lateness, the next to fire first.
pub(crate) async fn list_schedules(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(ScheduleStates { schedules: schedule_states(conn).await? })).await
}

/// Returns queues and flow-control keys, those with the most blocked messages first.
pub(crate) async fn list_throttle(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(GateStates { gates: gate_states(conn).await? })).await
}

/// Returns the age and the fingerprints of the signing keys; `null` if there are none yet.
pub(crate) async fn get_keys(State(database): State<Database>) -> Result<Response, ApiError> {
    answer(&database, async |conn| Ok(KeyStates { keys: key_state(conn).await? })).await
}
