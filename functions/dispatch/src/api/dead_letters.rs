//! `/v2/dlq`: lists, deletes and redrives dead letters.
//!
//! Unknown parameters are rejected: a filter with a typo would otherwise match other dead letters.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, StatusCode, Uri};
use jiff::Timestamp;
use sigpost_qstash as wire;
use sigpost_qstash::counts::RetriedMessage;
use sigpost_qstash::error::cut;
use sigpost_qstash::{DeadLetterId, Invalid, Options, Params, canonical_name};
use sigpost_runtime::ApiError;
use sigpost_store::accept::NewMessage;
use sigpost_store::dead_letters::{DeadLetter, Filter, delete, find, list, list_ids, retry};
use sigpost_store::extent::{Extent, PAGE_BYTES, Page};
use sigpost_store::filter;

use crate::api::filters;
use crate::api::messages::{MAX_BULK_BODY, on_the_wire as message_on_the_wire};
use crate::api::parameter::{Kind, Parameter};
use crate::api::path::Id;
use crate::api::publish::check_callback_addresses;
use crate::api::query::{self, Query};
use crate::api::shown::response;
use crate::api::streamed::{Responses, Streamed};
use crate::api::warnings::Warnings;
use crate::deduplicate::{Deduplicating, deduplicate};
use crate::state::State;

/// Default and maximum number of rows of a page (QStash's OpenAPI).
const PAGE: i64 = 100;

/// Parameters of the bulk endpoints. All lists but the first are filters.
pub(crate) const PARAMETERS: &[&[Parameter]] = &[PAGES, LAST_RESPONSES, filters::OF_MESSAGES, filters::OF_TIME];
/// Documented parameters of the list.
pub(crate) const OF_LIST: &[&[Parameter]] =
    &[PAGES, SOURCES, &[filters::BODIES], LAST_RESPONSES, filters::OF_MESSAGES, filters::OF_TIME];
/// Accepted parameters of the list: also `api`, which has no effect, as in QStash.
const READING: &[&[Parameter]] = &[
    PAGES,
    SOURCES,
    &[Parameter::one("api", Kind::Text, "Has no effect.")],
    &[filters::BODIES],
    LAST_RESPONSES,
    filters::OF_MESSAGES,
    filters::OF_TIME,
];
const SOURCES: &[Parameter] = &[Parameter::one(
    "source",
    Kind::OneOf(&["qstash", "workflow"]),
    "The source of the dead letters. workflow matches none. Default qstash.",
)];
const PAGES: &[Parameter] = &[
    Parameter::many("dlqIds", Kind::Text, "Dead letter IDs. Other filters are ignored."),
    Parameter::one("count", Kind::Integer, "Maximum number of dead letters, 1 to 100. Default 100."),
    Parameter::one("cursor", Kind::Text, "The cursor of the previous page."),
    Parameter::one("order", Kind::OneOf(filters::ORDERS), "Sort order. Default latestFirst."),
];
const LAST_RESPONSES: &[Parameter] = &[
    Parameter::many("messageId", Kind::Text, "Message IDs."),
    Parameter::many("responseStatus", Kind::Integer, "Statuses of the last response; 0 if there was no response."),
];

/// Returns a page of dead letters, newest first by default. (In QStash's older reference the oldest are first, but the
/// Python SDK's tests expect new ones on the first page.)
pub(crate) async fn list_dead_letters(
    FromState(state): FromState<Arc<State>>,
    uri: Uri,
) -> Result<Streamed<wire::DeadLettersPage>, ApiError> {
    let query = Query::parse(uri.query())?;
    let of_workflows = of_workflows(&query)?;
    // Filters of workflows are different. They match nothing, so they are not checked.
    let query = if of_workflows { query } else { query.allow_only(READING)?.reject_empty(&PARAMETERS[1..])? };
    let count = query.count(PAGE)?.unwrap_or(PAGE);
    let extent = Extent { count, bytes: PAGE_BYTES, with_bodies: filters::with_bodies(&query)? };
    let mut filter = filter(&query, &state).await?;
    if of_workflows {
        filter.ids = Some(Vec::new());
    } else if filter.ids.is_some() {
        filter.cursor = cursor(&query)?;
    }
    let mut conn = state.list_connection().await?;
    let Page { rows, cursor, bytes } = list(&mut conn, &filter, extent).await?;
    // Waits while it holds the connection, so that the number of list connections limits the number of pages in memory.
    let share = state.responses.share(bytes).await?;
    conn.done_with(bytes);
    let messages = rows.into_iter().map(on_the_wire).collect();
    Ok(Streamed { value: wire::DeadLettersPage { messages, cursor: cursor.map(|id| id.to_string()) }, share })
}

/// Deletes one dead letter.
pub(crate) async fn delete_dead_letter(
    FromState(state): FromState<Arc<State>>,
    Id(id): Id,
    uri: Uri,
) -> Result<Json<wire::Deleted>, ApiError> {
    Query::parse(uri.query())?.allow_only(&[])?;
    let one = Filter { ids: Some(vec![parse_id(&id)?]), ..Filter::default() };
    let mut conn = state.database.connection().await?;
    let found = list_ids(&mut conn, &one, 1).await?;
    match delete(&mut conn, &found).await? {
        0 => Err(unknown(&id)),
        deleted => Ok(Json(wire::Deleted { deleted, cursor: None })),
    }
}

/// Deletes a page of dead letters: by ID, by filter, or all.
pub(crate) async fn delete_dead_letters(
    FromState(state): FromState<Arc<State>>,
    uri: Uri,
    headers: HeaderMap,
    request_body: Body,
) -> Result<Json<wire::Deleted>, ApiError> {
    let body = state.bodies.read(&headers, request_body, MAX_BULK_BODY).await?;
    let query = allow_known(Query::parse_bulk(uri.query(), &body.bytes)?)?;
    if uri.path().ends_with('/') && query.is_empty() {
        return Err(ApiError::bad_request(
            "the id after the slash is missing; DELETE /v2/dlq without a slash deletes all dead letters page by page",
        ));
    }
    let (ids, cursor) = choose(&query, &state).await?;
    let deleted = delete(&mut *state.database.connection().await?, &ids).await?;
    Ok(Json(wire::Deleted { deleted, cursor }))
}

/// Redrives a page of dead letters: by ID, by filter, or all. Each is redriven in its own transaction.
pub(crate) async fn retry_dead_letters(
    FromState(state): FromState<Arc<State>>,
    uri: Uri,
    headers: HeaderMap,
    request_body: Body,
) -> Result<(StatusCode, Warnings, Json<wire::Retried>), ApiError> {
    let body = state.bodies.read(&headers, request_body, MAX_BULK_BODY).await?;
    let query = allow_known(Query::parse_bulk(uri.query(), &body.bytes)?.without_options())?;
    let (params, options) = options(&state, &headers, &uri)?;
    let (ids, cursor) = choose(&query, &state).await?;
    let mut responses = Vec::with_capacity(ids.len());
    for id in ids {
        let mut conn = state.database.connection().await?;
        let retried = retry(&mut conn, id, |new| change(new, &params, &options, &state.deduplicating)).await?;
        if let Some((message_id, wake_ups)) = retried {
            state.wake(wake_ups);
            responses.push(RetriedMessage { message_id });
        }
    }
    if responses.is_empty() && !query.list("dlqIds").is_empty() {
        return Err(ApiError::not_found("none of the dlq messages was found"));
    }
    Ok((StatusCode::CREATED, Warnings::of(&params), Json(wire::Retried { responses, cursor })))
}

/// Whether the request lists dead letters of workflows, which do not exist.
fn of_workflows(query: &Query) -> Result<bool, Invalid> {
    match query.exact("source").first().map(String::as_str) {
        None | Some("qstash") => Ok(false),
        Some("workflow") => Ok(true),
        Some(other) => Err(Invalid::got("source", "must be qstash or workflow", other)),
    }
}

fn allow_known(query: Query) -> Result<Query, Invalid> {
    query.allow_only(PARAMETERS)?.reject_empty(&PARAMETERS[1..])
}

async fn filter(query: &Query, state: &State) -> Result<Filter, ApiError> {
    let ids = query.ids("dlqIds")?;
    if ids.is_some() {
        return Ok(Filter { ids, earliest_first: filters::earliest_first(query)?, ..Filter::default() });
    }
    let filter = Filter {
        ids: None,
        messages: filter::Filter::default(),
        response_statuses: query.parsed_list("responseStatus", "a status")?,
        from_ms: filters::time(query, "fromDate")?,
        to_ms: filters::time(query, "toDate")?,
        cursor: cursor(query)?,
        earliest_first: filters::earliest_first(query)?,
    };
    let message_ids = filters::message_ids(query, &["messageId"]);
    let messages = filters::of_messages(query, state).await?;
    Ok(Filter { messages: filter::Filter { message_ids, ..messages }, ..filter })
}

fn cursor(query: &Query) -> Result<Option<DeadLetterId>, Invalid> {
    match query.parsed("cursor", "a cursor of this endpoint")? {
        Some(id @ DeadLetterId { failed_at_ms, .. }) if failed_at_ms > filters::LAST_MS => {
            Err(Invalid::got("cursor", "must be a cursor of this endpoint", id))
        }
        cursor => Ok(cursor),
    }
}

/// Returns the IDs of the dead letters of a bulk request, and a cursor if there are more.
async fn choose(query: &Query, state: &State) -> Result<(Vec<DeadLetterId>, Option<String>), ApiError> {
    let count = query.count(PAGE)?.unwrap_or(PAGE);
    let filter = filter(query, state).await?;
    let mut conn = state.database.connection().await?;
    if let Some(ids) = &filter.ids {
        let most = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        return Ok((list_ids(&mut conn, &filter, most).await?, None));
    }
    let mut ids = list_ids(&mut conn, &filter, count + 1).await?;
    let more = query::cut_to_page(&mut ids, count);
    let cursor = ids.last().filter(|_| more).map(ToString::to_string);
    Ok((ids, cursor))
}

/// Returns a dead letter with the last response of its destination.
pub(crate) async fn get_dead_letter(
    FromState(state): FromState<Arc<State>>,
    Id(id): Id,
    uri: Uri,
) -> Result<Streamed<wire::DeadLetter>, ApiError> {
    Query::parse(uri.query())?.allow_only(&[])?;
    let mut share = state.responses.share(state.limits.max_body_bytes).await?;
    let letter = find(&mut *state.database.connection().await?, parse_id(&id)?).await?;
    let letter = letter.ok_or_else(|| unknown(&id))?;
    Responses::keep(&mut share, letter.message.message.body.len() + letter.response.body.len());
    Ok(Streamed { value: on_the_wire(letter), share })
}

/// Redrives a dead letter: publishes its message with a new ID, overrides its options with those of this request, and
/// deletes the dead letter.
pub(crate) async fn retry_dead_letter(
    FromState(state): FromState<Arc<State>>,
    Id(id): Id,
    uri: Uri,
    headers: HeaderMap,
) -> Result<(StatusCode, Warnings, Json<RetriedMessage>), ApiError> {
    Query::parse(uri.query())?.without_options().allow_only(&[])?;
    let (params, options) = options(&state, &headers, &uri)?;
    let mut conn = state.database.connection().await?;
    let retried = retry(&mut conn, parse_id(&id)?, |new| change(new, &params, &options, &state.deduplicating)).await?;
    let (message_id, wake_ups) = retried.ok_or_else(|| unknown(&id))?;
    state.wake(wake_ups);
    Ok((StatusCode::CREATED, Warnings::of(&params), Json(RetriedMessage { message_id })))
}

/// Parses the options of a redrive.
fn options(state: &State, headers: &HeaderMap, uri: &Uri) -> Result<(Params, Options), ApiError> {
    let params = Params::from_request(headers, uri.query())?;
    let options = Options::parse(&params, &state.limits, Timestamp::now())?;
    check_callback_addresses(&state.address_policy, &options)?;
    Ok((params, options))
}

/// Overrides the options of the message with those of the request. The request's Content-Type, which many clients
/// always send, is ignored.
fn change(new: &mut NewMessage, params: &Params, options: &Options, deduplicating: &Deduplicating) {
    new.start = options.start;
    let message = &mut new.message;
    if params.get("method").is_some() {
        message.method = options.method;
    }
    for name in params.iter().filter_map(|(name, _)| name.strip_prefix("forward-")).map(canonical_name) {
        if let Some(values) = options.headers.map().get(&name) {
            message.header.map_mut().insert(name, values.clone());
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
    // A redrive can redact more fields, but never fewer.
    message.extras.redact = std::mem::take(&mut message.extras.redact).union(&options.redact);
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
    ApiError::not_found(format!("dlq message {} not found", cut(id)))
}

fn on_the_wire(letter: DeadLetter) -> wire::DeadLetter {
    let response = response(&letter.message.message, letter.response);
    wire::DeadLetter {
        message: message_on_the_wire(letter.message),
        dlq_id: letter.id,
        response_status: response.status,
        response_header: response.header,
        response_body: wire::Body(response.body),
    }
}
