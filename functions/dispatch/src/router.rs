//! All routes of the dispatch function.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use crate::api::{auth, dead_letters, events, health, keys, messages, publish, schedules, unknown};
use crate::state::State;

pub(crate) fn router(state: Arc<State>) -> Router {
    // Behind the token. Destinations are read from the raw path, so that `https://` keeps its slashes.
    // The schedules' paths also with a capital S, as the Go SDK writes them.
    let api = Router::new()
        .route("/v2/schedules", get(schedules::list_schedules))
        .route("/v2/Schedules", get(schedules::list_schedules))
        .route("/v2/schedules/", schedules::without_an_id())
        .route("/v2/Schedules/", schedules::without_an_id())
        .route("/v2/schedules/{*rest}", schedules::with_an_id())
        .route("/v2/Schedules/{*rest}", schedules::with_an_id())
        .route("/v2/publish/{*destination}", post(publish::publish_message))
        .route("/v2/messages/{id}", get(messages::get_message).delete(messages::cancel_message))
        .route("/v2/events", get(events::list_events))
        .route("/v2/logs", get(events::list_events))
        .route("/v2/dlq", get(dead_letters::list_dead_letters))
        .route("/v2/dlq/", get(dead_letters::list_dead_letters))
        .route("/v2/dlq/{id}", get(dead_letters::get_dead_letter))
        .route("/v2/dlq/retry/{id}", post(dead_letters::retry_dead_letter))
        .route("/v2/keys", get(keys::get_keys))
        .route("/v2/keys/rotate", post(keys::rotate_keys))
        .route("/v2", any(unknown::unknown_path))
        .route("/v2/", any(unknown::unknown_path))
        .route("/v2/{*path}", any(unknown::unknown_path))
        .method_not_allowed_fallback(unknown::wrong_method)
        .layer(from_fn_with_state(Arc::clone(&state), auth::require_token));

    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .merge(api)
        .with_state(state)
}
