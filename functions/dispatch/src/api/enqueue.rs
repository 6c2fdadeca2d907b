//! `POST /v2/enqueue/{queue}/{destination}`: publishes through a queue, which is created if it does not exist.

use std::sync::Arc;

use axum::extract::{Request, State as FromState};
use axum::response::Response;
use sigpost_runtime::{ApiError, CallerAddress};

use crate::api::path::ResourceName;
use crate::api::publish::{PublishRequest, publish};
use crate::state::State;

/// Stores a message in a queue, with the options of a publish. A delayed message takes its position in the queue
/// immediately and blocks the messages after it.
pub(crate) async fn enqueue_message(
    FromState(state): FromState<Arc<State>>,
    ResourceName(queue): ResourceName,
    caller: CallerAddress,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    // From the raw path, so that `https://` keeps its slashes.
    let rest = parts.uri.path().strip_prefix("/v2/enqueue/").unwrap_or_default();
    let (_, destination) = rest.split_once('/').unwrap_or_default();
    let (query, headers) = (parts.uri.query(), &parts.headers);
    publish(&state, PublishRequest { destination, query, headers, body, queue: Some(queue), caller }).await
}
