//! `GET /v2/events` and its alias `GET /v2/logs`.

use std::sync::Arc;

use axum::extract::State as FromState;
use axum::http::Uri;
use sigpost_qstash as wire;
use sigpost_qstash::{Cursor, EventState, Invalid};
use sigpost_runtime::ApiError;
use sigpost_store::events::{Event, Filter, list};
use sigpost_store::extent::{Extent, PAGE_BYTES, Page};
use sigpost_store::filter;

use crate::api::filters;
use crate::api::messages::milliseconds;
use crate::api::parameter::{Kind, Parameter};
use crate::api::query::Query;
use crate::api::shown::{Shown, callback_parts, response};
use crate::api::streamed::Streamed;
use crate::state::State;

/// Default and maximum number of rows of a page (QStash's earlier reference and its Go SDK's tests).
const PAGE: i64 = 1000;

/// Query parameters of the log.
pub(crate) const PARAMETERS: &[&[Parameter]] = &[
    &[
        Parameter::one("count", Kind::Integer, "Maximum number of events, 1 to 1000. Default 1000."),
        Parameter::one("cursor", Kind::Text, "The cursor of the previous page."),
        Parameter::one("order", Kind::OneOf(filters::ORDERS), "Sort order. Default latestFirst."),
        Parameter::many("messageId", Kind::Text, "Message IDs."),
        Parameter::many("messageIds", Kind::Text, "Alias of messageId."),
        Parameter::many("state", Kind::Text, "Event states. IN_PROGRESS matches ACTIVE, RETRY and ERROR."),
        filters::BODIES,
    ],
    filters::OF_MESSAGES,
    filters::OF_DESTINATIONS,
    filters::OF_TIME,
];

/// Returns a page of events, newest first by default.
pub(crate) async fn list_events(
    FromState(state): FromState<Arc<State>>,
    uri: Uri,
) -> Result<Streamed<wire::EventsPage>, ApiError> {
    let query = Query::parse(uri.query())?;
    let count = query.count(PAGE)?.unwrap_or(PAGE);
    let filter = filter(&query, &state).await?;
    let extent = Extent { count, bytes: PAGE_BYTES, with_bodies: filters::with_bodies(&query)? };
    let mut conn = state.list_connection().await?;
    let Page { rows, cursor, bytes } = list(&mut conn, &filter, extent).await?;
    // Waits while it holds the connection, so that the number of list connections limits the number of pages in memory.
    let share = state.responses.share(bytes).await?;
    conn.done_with(bytes);
    Ok(Streamed { value: wire::EventsPage { events: rows.into_iter().map(on_the_wire).collect(), cursor }, share })
}

async fn filter(query: &Query, state: &State) -> Result<Filter, ApiError> {
    let filter = Filter {
        messages: filter::Filter::default(),
        states: states(query)?,
        from_ms: filters::time(query, "fromDate")?,
        to_ms: filters::time(query, "toDate")?,
        cursor: cursor(query)?,
        earliest_first: filters::earliest_first(query)?,
    };
    let message_ids = filters::message_ids(query, &["messageIds", "messageId"]);
    let messages = filters::of_messages(query, state).await?;
    Ok(Filter { messages: filter::Filter { message_ids, ..messages }, ..filter })
}

fn cursor(query: &Query) -> Result<Option<Cursor>, Invalid> {
    match query.parsed("cursor", "a cursor of this endpoint")? {
        Some(cursor @ Cursor { at_ms, .. }) if at_ms > filters::LAST_MS => {
            Err(Invalid::got("cursor", "must be a cursor of this endpoint", cursor))
        }
        cursor => Ok(cursor),
    }
}

fn states(query: &Query) -> Result<Vec<EventState>, Invalid> {
    let mut states = Vec::new();
    for name in query.list("state") {
        let invalid = |_| Invalid::got("state", "must be a state of an event", &name);
        states.extend(EventState::filter(&name).map_err(invalid)?);
    }
    Ok(states)
}

fn on_the_wire(event: Event) -> wire::Event {
    let message = event.message.message;
    let Shown { header, body } = Shown::of(&message);
    let response = event.response.map(|received| response(&message, received));
    let extras = message.extras;
    let (callback, callback_headers) = callback_parts(message.callback, &extras.redact);
    let (failure_callback, failure_callback_headers) = callback_parts(message.failure_callback, &extras.redact);
    let response_status = response.as_ref().map(|response| response.status);
    let (response_header, response_body) =
        response.map(|response| (response.header, response.body)).unwrap_or_default();
    wire::Event {
        time: event.at_ms,
        message_id: message.id,
        state: event.state,
        url: message.url,
        method: Some(message.method),
        header,
        body,
        error: event.error,
        next_delivery_time: event.next_delivery_at_ms,
        topic_name: extras.topic_name,
        endpoint_name: extras.endpoint_name,
        schedule_id: extras.schedule_id,
        queue_name: extras.queue_name,
        response_status,
        response_header,
        response_body,
        timeout: message.timeout.map(milliseconds),
        callback,
        callback_headers,
        failure_callback,
        failure_callback_headers,
        max_retries: Some(message.retries),
        retry_delay_expression: message.retry_delay.map(|expression| expression.to_string()),
        labels: message.labels,
        flow_control: extras.flow_control,
        priority: extras.priority,
        caller_ip: message.caller_ip,
    }
}
