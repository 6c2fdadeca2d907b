//! `GET /v2/dlq`, `GET /v2/dlq/{id}` and `POST /v2/dlq/retry/{id}`.

use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::{HeaderMap, StatusCode, Uri};
use jiff::Timestamp;
use sigpost_qstash as wire;
use sigpost_qstash::counts::RetriedMessage;
use sigpost_qstash::{DeadLetterId, Options, Params, canonical_name};
use sigpost_runtime::ApiError;
use sigpost_store::accept::NewMessage;
use sigpost_store::dead_letters::{DeadLetter, find, list, retry};
use std::sync::Arc;

use crate::api::messages::on_the_wire as message_on_the_wire;
use crate::api::publish::check_callback_addresses;
use crate::api::query::{self, Query};
use crate::deduplicate::{Deduplicating, deduplicate};
use crate::state::State;

/// Rows of a page: the most and the default (QStash's OpenAPI).
const PAGE: i64 = 100;

/// A page of dead letters, newest first.
pub(crate) async fn list_dead_letters(
    FromState(state): FromState<Arc<State>>,
    uri: Uri,
) -> Result<Json<wire::DeadLettersPage>, ApiError> {
    let query = Query::parse(uri.query()).allow_only(&["count", "cursor", "messageId"])?;
    let count = query.count(PAGE, PAGE)?;
    let message_id = query.parsed("messageId", "a message id")?;
    let before = query.parsed("cursor", "a cursor of this endpoint")?;
    let mut letters = list(&mut *state.database.connection().await?, message_id, before, count + 1).await?;
    let more = query::cut_to_page(&mut letters, count);
    let cursor = letters.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(wire::DeadLettersPage { messages: letters.into_iter().map(on_the_wire).collect(), cursor }))
}

/// One dead letter with the response that ended its message.
pub(crate) async fn get_dead_letter(
    FromState(state): FromState<Arc<State>>,
    Path(id): Path<String>,
) -> Result<Json<wire::DeadLetter>, ApiError> {
    let letter = find(&mut *state.database.connection().await?, parse_id(&id)?).await?;
    letter.map(|letter| Json(on_the_wire(letter))).ok_or_else(|| unknown(&id))
}

/// Publishes the message anew under a new id, with the options that this request gives in place of
/// the old ones, and removes the dead letter.
pub(crate) async fn retry_dead_letter(
    FromState(state): FromState<Arc<State>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<RetriedMessage>), ApiError> {
    let params = Params::from_request(&headers, uri.query())?;
    let options = Options::parse(&params, &state.limits, Timestamp::now())?;
    check_callback_addresses(&state, &options)?;
    let mut conn = state.database.connection().await?;
    let new_id = retry(&mut conn, parse_id(&id)?, |new| change(new, &params, &options, &state.deduplicating)).await?;
    let message_id = new_id.ok_or_else(|| unknown(&id))?;
    Ok((StatusCode::CREATED, Json(RetriedMessage { message_id })))
}

/// What the request sets replaces what the message had; the rest stays. Its own Content-Type, which
/// many clients always send, is no option.
fn change(new: &mut NewMessage, params: &Params, options: &Options, deduplicating: &Deduplicating) {
    new.start = options.start;
    let message = &mut new.message;
    if params.get("method").is_some() {
        message.method = options.method;
    }
    for name in params.iter().filter_map(|(name, _)| name.strip_prefix("forward-")).map(canonical_name) {
        if let Some(values) = options.headers.0.get(&name) {
            message.header.0.insert(name, values.clone());
        }
    }
    message.retries = options.retries.unwrap_or(message.retries);
    message.timeout = options.timeout.or(message.timeout);
    replace(&mut message.retry_delay, &options.retry_delay);
    replace(&mut message.callback, &options.callback);
    replace(&mut message.failure_callback, &options.failure_callback);
    replace(&mut message.extras.queue_name, &options.queue_name);
    if !options.labels.is_empty() {
        message.labels.clone_from(&options.labels);
    }
    if !options.flow_control.is_empty() {
        message.extras.flow_control.clone_from(&options.flow_control);
    }
    if !options.redact.is_empty() {
        message.extras.redact = options.redact.clone();
    }
    if params.get("sigpost-priority").is_some() {
        message.extras.priority = options.priority;
    }
    new.deduplicate = deduplicate(options, message, deduplicating);
}

fn replace<T: Clone>(of_the_message: &mut Option<T>, of_the_request: &Option<T>) {
    if of_the_request.is_some() {
        of_the_message.clone_from(of_the_request);
    }
}

fn parse_id(text: &str) -> Result<DeadLetterId, ApiError> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("dlq message {id} not found"))
}

fn on_the_wire(letter: DeadLetter) -> wire::DeadLetter {
    wire::DeadLetter {
        message: message_on_the_wire(letter.message),
        dlq_id: letter.id,
        response_status: letter.response.status,
        response_header: letter.response.header,
        response_body: wire::Body(letter.response.body),
    }
}
