//! `POST /v2/enqueue/{queue}/{destination}`: a publish through a queue, which is made if there is none.

use std::sync::Arc;

use axum::extract::{Request, State as FromState};
use axum::response::Response;
use sigpost_runtime::{ApiError, CallerAddress};

use crate::api::path::ResourceName;
use crate::api::publish::{PublishRequest, publish};
use crate::state::State;

/// Stores a message in a queue. What else it says is as for a publish; a message with a delay has
/// its place in the queue at once, and those behind it wait.
pub(crate) async fn enqueue_message(
    FromState(state): FromState<Arc<State>>,
    ResourceName(queue): ResourceName,
    caller: CallerAddress,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    // From the raw path, as everywhere.
    let rest = parts.uri.path().strip_prefix("/v2/enqueue/").unwrap_or_default();
    let (_, destination) = rest.split_once('/').unwrap_or_default();
    let (query, headers) = (parts.uri.query(), &parts.headers);
    publish(&state, PublishRequest { destination, query, headers, body, queue: Some(queue), caller }).await
}
