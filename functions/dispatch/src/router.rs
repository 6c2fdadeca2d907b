//! All routes of the dispatch function.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, delete, get, post};

use crate::api::{auth, dead_letters, events, health, keys, messages, publish, unknown};
use crate::state::State;

pub(crate) fn router(state: Arc<State>) -> Router {
    // Behind the token. Destinations are read from the raw path, so that `https://` keeps its slashes.
    let api = Router::new()
        .route("/v2/publish/{*destination}", post(publish::publish_message))
        .route("/v2/messages", delete(messages::cancel_messages))
        .route("/v2/messages/", delete(messages::cancel_messages))
        .route("/v2/messages/{id}", get(messages::get_message).delete(messages::cancel_message))
        .route("/v2/messages/{id}/retry", post(messages::retry_message))
        .route("/v2/events", get(events::list_events))
        .route("/v2/logs", get(events::list_events))
        .route("/v2/dlq", get(dead_letters::list_dead_letters).delete(dead_letters::delete_dead_letters))
        .route("/v2/dlq/", get(dead_letters::list_dead_letters).delete(dead_letters::delete_dead_letters))
        .route("/v2/dlq/{id}", get(dead_letters::get_dead_letter).delete(dead_letters::delete_dead_letter))
        .route("/v2/dlq/retry", post(dead_letters::retry_dead_letters))
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
