//! `/v2/messages`: returns, cancels and retries messages.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, Uri};
use sigpost_qstash as wire;
use sigpost_qstash::error::cut;
use sigpost_qstash::{CallbackKind, ErrorCode, EventState, MessageId};
use sigpost_runtime::ApiError;
use sigpost_store::cancel::{Cancelled, CancelledMany, cancel, cancel_many};
use sigpost_store::extent::{Extent, Page};
use sigpost_store::make_due::{MadeDue, make_due};
use sigpost_store::messages::{MessageState, StoredMessage, find};
use sigpost_store::{events, filter};

use crate::api::attempts::attempts;
use crate::api::body::Bound;
use crate::api::filters;
use crate::api::parameter::{Kind, Parameter};
use crate::api::path::Id;
use crate::api::query::Query;
use crate::api::shown::{Shown, callback_parts, response};
use crate::api::streamed::{Responses, Streamed};
use crate::state::State;

/// Maximum `count` of a bulk cancellation (QStash's OpenAPI). Without `count` there is no limit.
const MOST: i64 = 500;
/// Maximum size of the body of a bulk request.
pub(crate) const MAX_BULK_BODY: Bound = Bound { limit: 1024 * 1024, cost: 1 };
/// Maximum number of events that are read to derive the attempts of a message.
const MAX_EVENTS: i64 = 10_000;
/// Maximum size of these events in bytes: more than the responses of the maximum number of attempts.
const MAX_EVENTS_BYTES: usize = 16 * 1024 * 1024;

/// Query parameters of a bulk cancellation. All lists but the first are filters.
pub(crate) const BULK: &[&[Parameter]] = &[
    &[
        Parameter::many("messageIds", Kind::Text, "Message IDs. Other filters are ignored."),
        Parameter::one("count", Kind::Integer, "Maximum number of messages, 1 to 500. Default: no limit."),
        Parameter::one("cursor", Kind::Text, "Has no effect: cancelled messages do not match again."),
    ],
    filters::OF_MESSAGES,
    filters::OF_DESTINATIONS,
    filters::OF_TIME,
];

/// Returns a message in any state, until its retention ends.
pub(crate) async fn get_message(
    FromState(state): FromState<Arc<State>>,
    Id(id): Id,
) -> Result<Streamed<wire::Message>, ApiError> {
    let id = parse_id(&id)?;
    let mut share = state.responses.share(state.limits.max_body_bytes).await?;
    let mut conn = state.database.connection().await?;
    let stored = find(&mut conn, id).await?.ok_or_else(|| unknown(id))?;
    let of_this = filter::Filter { message_ids: Some(vec![id]), ..filter::Filter::default() };
    let log = events::Filter { messages: of_this, earliest_first: true, ..events::Filter::default() };
    let extent = Extent { count: MAX_EVENTS, bytes: MAX_EVENTS_BYTES, with_bodies: false };
    let Page { rows: mut log, bytes, .. } = events::list(&mut conn, &log, extent).await?;
    let shown = stored.message.body.len() + bytes;
    conn.done_with(shown);
    Responses::keep(&mut share, shown);
    for event in &mut log {
        event.response = event.response.take().map(|received| response(&event.message.message, received));
    }
    let attempts = attempts(&log);
    let callbacks = CallbackIds::of(&stored);
    let message = wire::Message {
        attempts: Some(attempts).filter(|attempts| !attempts.is_empty()),
        callback_message_id: callbacks.callback,
        failure_callback_message_id: callbacks.failure_callback,
        ..on_the_wire(stored)
    };
    Ok(Streamed { value: message, share })
}

/// The IDs of a message's callbacks, which are known in advance.
struct CallbackIds {
    /// The callback of the next attempt, or of the last one if no attempt follows.
    callback: Option<MessageId>,
    /// The failure callback. Until the message fails, the ID assumes that all retries are used.
    failure_callback: Option<MessageId>,
}

impl CallbackIds {
    fn of(stored: &StoredMessage) -> Self {
        let message = &stored.message;
        let last = if stored.state == MessageState::Failed { stored.retried } else { message.retries };
        let id = |kind, retried| MessageId::of_callback(message.id, kind, retried);
        Self {
            callback: message.callback.as_ref().map(|_| id(CallbackKind::Callback, stored.retried)),
            failure_callback: message.failure_callback.as_ref().map(|_| id(CallbackKind::FailureCallback, last)),
        }
    }
}

/// Cancels all matching messages that have not ended: by ID, by filter, or all.
pub(crate) async fn cancel_messages(
    FromState(state): FromState<Arc<State>>,
    uri: Uri,
    headers: HeaderMap,
    request_body: Body,
) -> Result<Json<wire::Cancelled>, ApiError> {
    let body = state.bodies.read(&headers, request_body, MAX_BULK_BODY).await?;
    let query = Query::parse_bulk(uri.query(), &body.bytes)?.allow_only(BULK)?.reject_empty(&BULK[1..])?;
    if uri.path().ends_with('/') && query.is_empty() {
        return Err(ApiError::bad_request(
            "the message id after the slash is missing; DELETE /v2/messages without a slash cancels all messages",
        ));
    }
    let count = query.count(MOST)?.map(i64::unsigned_abs);
    let (filter, most) = match query.ids("messageIds")? {
        Some(ids) => (filter::Filter { message_ids: Some(ids), ..filter::Filter::default() }, None),
        None => {
            let created_from_ms = filters::time(&query, "fromDate")?;
            let created_to_ms = filters::time(&query, "toDate")?;
            let messages = filters::of_messages(&query, &state).await?;
            (filter::Filter { created_from_ms, created_to_ms, ..messages }, count)
        }
    };
    let CancelledMany { count, wake_ups } = cancel_many(&state.database, &filter, most).await?;
    state.wake(wake_ups);
    Ok(Json(wire::Cancelled { cancelled: count }))
}

/// Makes a message due that waits for its delay or its next attempt. It keeps its position at its limits. QStash has no
/// such operation.
pub(crate) async fn retry_message(
    FromState(state): FromState<Arc<State>>,
    Id(id): Id,
) -> Result<Json<wire::RetriedMessage>, ApiError> {
    let id = parse_id(&id)?;
    let (found, wake_ups) = make_due(&mut *state.database.connection().await?, id).await?;
    state.wake(wake_ups);
    match found {
        MadeDue::Yes => Ok(Json(wire::RetriedMessage { message_id: id })),
        MadeDue::No(MessageState::Pending | MessageState::Active) => {
            Err(ApiError::new(ErrorCode::Conflict, format!("message {id} is in flight")))
        }
        MadeDue::No(ended) => {
            let text = format!("message {id} cannot be retried, it is already {}", ended.as_str());
            Err(ApiError::new(ErrorCode::Conflict, text))
        }
        MadeDue::Unknown => Err(unknown(id)),
    }
}

/// Cancels a message that has not ended: pending or in flight.
pub(crate) async fn cancel_message(
    FromState(state): FromState<Arc<State>>,
    Id(id): Id,
) -> Result<Json<wire::Cancelled>, ApiError> {
    let id = parse_id(&id)?;
    let (found, wake_ups) = cancel(&mut *state.database.connection().await?, id).await?;
    state.wake(wake_ups);
    match found {
        Cancelled::Yes => Ok(Json(wire::Cancelled { cancelled: 1 })),
        Cancelled::AlreadyEnded(ended) => {
            Err(ApiError::not_found(format!("message {id} cannot be cancelled, it is already {ended}")))
        }
        Cancelled::Unknown => Err(unknown(id)),
    }
}

/// Parses an ID. A malformed ID returns 404, as an ID that does not exist.
fn parse_id(text: &str) -> Result<MessageId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(format!("message {} not found", cut(text))))
}

fn unknown(id: MessageId) -> ApiError {
    ApiError::not_found(format!("message {id} not found"))
}

/// Converts a message to QStash's format, with its state in addition.
pub(crate) fn on_the_wire(stored: StoredMessage) -> wire::Message {
    let state = state_on_the_wire(&stored);
    let StoredMessage { message, created_at_ms, not_before_ms, .. } = stored;
    let Shown { header, body } = Shown::of(&message);
    let extras = message.extras;
    let (callback, callback_header) = callback_parts(message.callback, &extras.redact);
    let (failure_callback, failure_callback_header) = callback_parts(message.failure_callback, &extras.redact);
    wire::Message {
        message_id: message.id,
        url: message.url,
        method: message.method,
        max_retries: message.retries,
        not_before: not_before_ms,
        created_at: created_at_ms,
        topic_name: extras.topic_name,
        endpoint_name: extras.endpoint_name,
        queue_name: extras.queue_name,
        schedule_id: extras.schedule_id,
        header,
        body: wire::Body(body),
        callback,
        callback_header,
        failure_callback,
        failure_callback_header,
        caller_ip: message.caller_ip,
        labels: message.labels,
        flow_control: extras.flow_control,
        priority: extras.priority,
        retry_delay_expression: message.retry_delay.map(|expression| expression.to_string()),
        timeout: message.timeout.map(milliseconds),
        state: Some(state),
        attempts: None,
        callback_message_id: None,
        failure_callback_message_id: None,
    }
}

/// Converts a duration to milliseconds, the unit of the wire format.
pub(crate) fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn state_on_the_wire(stored: &StoredMessage) -> EventState {
    match stored.state {
        MessageState::Pending if stored.retried > 0 => EventState::Retry,
        MessageState::Pending => EventState::Created,
        MessageState::Active => EventState::Active,
        MessageState::Delivered => EventState::Delivered,
        MessageState::Failed => EventState::Failed,
        MessageState::Cancelled => EventState::Canceled,
    }
}
