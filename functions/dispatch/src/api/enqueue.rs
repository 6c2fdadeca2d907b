//! `POST /v2/enqueue/{queue}/{destination}`: a publish through a queue, which is made if there is none.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use sigpost_runtime::{ApiError, CallerAddress};

use crate::api::path::ResourceName;
use crate::api::publish::{Request, publish};
use crate::state::State;

/// Stores a message in a queue. What else it says is as for a publish; a message with a delay has
/// its place in the queue at once, and those behind it wait.
pub(crate) async fn enqueue_message(
    FromState(state): FromState<Arc<State>>,
    ResourceName(queue): ResourceName,
    caller: CallerAddress,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    // From the raw path, as everywhere.
    let rest = uri.path().strip_prefix("/v2/enqueue/").unwrap_or_default();
    let (_, destination) = rest.split_once('/').unwrap_or_default();
    let request = Request { destination, query: uri.query(), headers: &headers, body, queue: Some(queue), caller };
    publish(&state, request).await
}
