//! Routes of the console.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use super::failure::Failure;
use super::{
    Console, assets, dead_letter, dead_letters, flow_control, guard, keys, login, message, messages, overview, publish,
    queues, schedules, url_groups,
};

pub(crate) fn router(console: Console) -> Router {
    Router::new()
        .route("/console", get(overview::show_overview))
        .merge(of_messages())
        .merge(of_dead_letters())
        .merge(of_gates())
        .merge(of_schedules())
        .merge(of_settings())
        .route("/console/logout", post(login::sign_out))
        .route("/console/{*path}", get(nothing_there).post(nothing_there))
        .layer(from_fn_with_state(console.clone(), guard::require_session))
        .route("/console/login", get(login::get_login).post(login::sign_in))
        .route("/console/assets/{name}", get(assets::get_asset))
        .layer(from_fn(guard::protect))
        .with_state(console)
}

fn of_messages() -> Router<Console> {
    Router::new()
        .route("/console/messages", get(messages::list_messages))
        .route("/console/messages/{id}", get(message::show_message))
        .route("/console/messages/{id}/payload", get(message::download_payload))
        .route("/console/messages/{id}/retry", post(message::retry_message))
        .route("/console/messages/{id}/cancel", post(message::cancel_message))
        .route("/console/publish", get(publish::show_form).post(publish::publish))
}

fn of_dead_letters() -> Router<Console> {
    Router::new()
        .route("/console/dead-letters", get(dead_letters::list_dead_letters))
        .route("/console/dead-letters/retry", post(dead_letters::retry_chosen))
        .route("/console/dead-letters/delete", post(dead_letters::delete_chosen))
        .route("/console/dead-letters/retry-all", post(dead_letters::retry_matching))
        .route("/console/dead-letters/{id}", get(dead_letter::show_dead_letter))
        .route("/console/dead-letters/{id}/retry", post(dead_letter::retry_dead_letter))
        .route("/console/dead-letters/{id}/delete", post(dead_letter::delete_dead_letter))
}

/// Names of queues and keys are form fields, not path segments: `..` would change the path.
fn of_gates() -> Router<Console> {
    Router::new()
        .route("/console/queues", get(queues::list_queues))
        .route("/console/queues/set", post(queues::set_queue))
        .route("/console/queues/pause", post(queues::pause_queue))
        .route("/console/queues/resume", post(queues::resume_queue))
        .route("/console/flow-control", get(flow_control::list_keys))
        .route("/console/flow-control/pause", post(flow_control::pause_key))
        .route("/console/flow-control/resume", post(flow_control::resume_key))
        .route("/console/flow-control/pin", post(flow_control::pin_key))
        .route("/console/flow-control/unpin", post(flow_control::unpin_key))
        .route("/console/flow-control/reset", post(flow_control::reset_rate))
}

fn of_schedules() -> Router<Console> {
    Router::new()
        .route("/console/schedules", get(schedules::list_schedules))
        .route("/console/schedules/create", post(schedules::create_schedule))
        .route("/console/schedules/run", post(schedules::run_schedule))
        .route("/console/schedules/pause", post(schedules::pause_schedule))
        .route("/console/schedules/resume", post(schedules::resume_schedule))
        .route("/console/schedules/delete", post(schedules::delete_schedule))
}

fn of_settings() -> Router<Console> {
    Router::new()
        .route("/console/url-groups", get(url_groups::list_groups))
        .route("/console/url-groups/add", post(url_groups::add_endpoint))
        .route("/console/url-groups/remove", post(url_groups::remove_endpoint))
        .route("/console/keys", get(keys::show_keys))
        .route("/console/keys/rotate", get(keys::ask_to_rotate).post(keys::rotate_keys))
}

async fn nothing_there() -> Failure {
    Failure::not_found("Page not found.")
}
