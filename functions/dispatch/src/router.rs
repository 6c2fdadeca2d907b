//! All routes of the dispatch function.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, delete, get, post};

use crate::api::{
    auth, batch, dead_letters, enqueue, events, flow_control, health, keys, messages, publish, queues, schedules,
    unknown, url_groups,
};
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
        .route("/v2/enqueue/{queue}/{*destination}", post(enqueue::enqueue_message))
        .route("/v2/batch", post(batch::publish_batch))
        .route("/v2/batch/", post(batch::publish_batch))
        .merge(url_group_routes())
        .merge(queue_routes())
        .merge(flow_control_routes())
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
        .method_not_allowed_fallback(unknown::wrong_method)
        .merge(api)
        .fallback(unknown::unknown_path)
        .with_state(state)
}

type Routes = Router<Arc<State>>;

fn url_group_routes() -> Routes {
    let group = get(url_groups::get_url_group).patch(url_groups::set_defaults).delete(url_groups::delete_url_group);
    Router::new()
        .route("/v2/topics", get(url_groups::list_url_groups))
        .route("/v2/topics/", get(url_groups::list_url_groups).delete(unknown::missing_name))
        .route("/v2/topics/{name}", group.clone())
        .route("/v2/topics/{name}/", group)
        .route("/v2/topics/{name}/endpoints", post(url_groups::add_endpoints).delete(url_groups::remove_endpoints))
}

/// With and without a slash at the end: the Rust SDK sends one.
fn queue_routes() -> Routes {
    let all = post(queues::upsert_queue).get(queues::list_queues);
    let one = get(queues::get_queue).delete(queues::delete_queue);
    Router::new()
        .route("/v2/queues", all.clone())
        .route("/v2/queues/", all.delete(unknown::missing_name))
        .route("/v2/queues/{name}", one.clone())
        .route("/v2/queues/{name}/", one)
        .route("/v2/queues/{name}/pause", post(queues::pause_queue))
        .route("/v2/queues/{name}/pause/", post(queues::pause_queue))
        .route("/v2/queues/{name}/resume", post(queues::resume_queue))
        .route("/v2/queues/{name}/resume/", post(queues::resume_queue))
}

fn flow_control_routes() -> Routes {
    Router::new()
        .route("/v2/flowControl", get(flow_control::list_flow_control_keys))
        .route("/v2/flowControl/", get(flow_control::list_flow_control_keys))
        .route("/v2/flowControl/{key}", get(flow_control::get_flow_control_key))
        .route("/v2/flowControl/{key}/", get(flow_control::get_flow_control_key))
        .route("/v2/flowControl/{key}/pause", post(flow_control::pause_key))
        .route("/v2/flowControl/{key}/resume", post(flow_control::resume_key))
        .route("/v2/flowControl/{key}/pin", post(flow_control::pin_key))
        .route("/v2/flowControl/{key}/unpin", post(flow_control::unpin_key))
        .route("/v2/flowControl/{key}/resetRate", post(flow_control::reset_rate))
        .route("/v2/flowControl/{key}/reset", post(flow_control::reset_rate))
        .route("/v2/globalParallelism", get(flow_control::get_global_parallelism))
}
