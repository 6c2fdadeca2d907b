//! `POST /v2/publish/{destination}`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use sigpost_qstash::{Destination, MessageId, Options, Params, PublishResponse, Target};
use sigpost_runtime::{ApiError, CallerAddress};
use sigpost_store::accept::NewMessage;
use sigpost_store::messages::{Extras, Message};

use crate::api::body;
use crate::deduplicate::deduplicate;
use crate::state::State;

/// Attempts after the first, when the publish does not say (QStash's default).
pub(crate) const DEFAULT_RETRIES: u32 = 3;

/// Stores a message and answers after the commit.
pub(crate) async fn publish_message(
    FromState(state): FromState<Arc<State>>,
    caller: CallerAddress,
    uri: Uri,
    headers: HeaderMap,
    request_body: Body,
) -> Result<Response, ApiError> {
    let rest = uri.path().strip_prefix("/v2/publish/").unwrap_or_default();
    let destination = match Destination::from_raw(rest, uri.query())? {
        Target::Url(destination) => destination,
        Target::Group(name) => return Err(ApiError::not_found(format!("topic {name} not found"))),
    };
    let params = Params::from_request(&headers, uri.query())?;
    let options = Options::parse(&params, &state.limits, Timestamp::now())?;
    check_address(&state, &destination)?;
    check_callback_addresses(&state, &options)?;
    let body = body::read(&headers, request_body, state.limits.max_body_bytes).await?;

    let new = new_message(&state, &destination, options, body, caller);
    let id = new.message.id;
    let (message_id, deduplicated) = match state.intake.accept(new).await? {
        Some(earlier) => (earlier, true),
        None => (id, false),
    };
    let status = if deduplicated { StatusCode::ACCEPTED } else { StatusCode::OK };
    let url = destination.as_str().to_owned();
    Ok((status, Json(PublishResponse { message_id, url, deduplicated })).into_response())
}

/// Refuses early what the engine would refuse at every attempt: addresses that can be seen in a URL.
fn check_address(state: &State, url: &Destination) -> Result<(), ApiError> {
    state.address_policy.check_url(url.url()).map_err(|refused| ApiError::bad_request(refused.to_string()))
}

/// The same for the callbacks.
pub(crate) fn check_callback_addresses(state: &State, options: &Options) -> Result<(), ApiError> {
    let callbacks = [&options.callback, &options.failure_callback];
    callbacks.into_iter().flatten().try_for_each(|callback| check_address(state, &callback.url))
}

fn new_message(
    state: &State,
    destination: &Destination,
    options: Options,
    body: bytes::Bytes,
    caller: CallerAddress,
) -> NewMessage {
    let message = Message {
        id: MessageId::new(),
        url: destination.as_str().to_owned(),
        method: options.method,
        header: options.headers.clone(),
        body,
        retries: options.retries.unwrap_or(DEFAULT_RETRIES),
        timeout: options.timeout,
        retry_delay: options.retry_delay.clone(),
        callback: options.callback.clone(),
        failure_callback: options.failure_callback.clone(),
        labels: options.labels.clone(),
        caller_ip: caller.0.map(|address| address.to_string()),
        callback_of: None,
        extras: Extras {
            queue_name: options.queue_name.clone(),
            flow_control: options.flow_control.clone(),
            priority: options.priority,
            redact: options.redact.clone(),
            ..Extras::default()
        },
    };
    let deduplicate = deduplicate(&options, &message, &state.deduplicating);
    NewMessage { message, start: options.start, deduplicate }
}
