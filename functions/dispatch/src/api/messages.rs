//! `GET` and `DELETE /v2/messages/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as FromState};
use sigpost_qstash as wire;
use sigpost_qstash::{EventState, MessageId};
use sigpost_runtime::ApiError;
use sigpost_store::cancel::{Cancelled, cancel};
use sigpost_store::messages::{MessageState, StoredMessage, find};

use crate::state::State;

/// The message, whatever its state, as long as it is kept.
pub(crate) async fn get_message(
    FromState(state): FromState<Arc<State>>,
    Path(id): Path<String>,
) -> Result<Json<wire::Message>, ApiError> {
    let id = parse_id(&id)?;
    let stored = find(&mut *state.database.connection().await?, id).await?;
    stored.map(|stored| Json(on_the_wire(stored))).ok_or_else(|| unknown(id))
}

/// Cancels a message that has not ended: waiting, between two attempts, or in flight.
pub(crate) async fn cancel_message(
    FromState(state): FromState<Arc<State>>,
    Path(id): Path<String>,
) -> Result<Json<wire::Cancelled>, ApiError> {
    let id = parse_id(&id)?;
    match cancel(&mut *state.database.connection().await?, id).await? {
        Cancelled::Yes => Ok(Json(wire::Cancelled { cancelled: 1 })),
        Cancelled::AlreadyEnded(ended) => {
            Err(ApiError::not_found(format!("message {id} cannot be cancelled, it is already {ended}")))
        }
        Cancelled::Unknown => Err(unknown(id)),
    }
}

/// An id that cannot be one is not found, as any other that does not exist.
fn parse_id(text: &str) -> Result<MessageId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(format!("message {text} not found")))
}

fn unknown(id: MessageId) -> ApiError {
    ApiError::not_found(format!("message {id} not found"))
}

/// The message as QStash shows it, and its state, which QStash does not.
pub(crate) fn on_the_wire(stored: StoredMessage) -> wire::Message {
    let state = state_on_the_wire(&stored);
    let StoredMessage { message, created_at_ms, not_before_ms, .. } = stored;
    let extras = message.extras;
    let (callback, callback_header) = callback_parts(message.callback);
    let (failure_callback, failure_callback_header) = callback_parts(message.failure_callback);
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
        header: extras.redact.header(&message.header),
        body: wire::Body(extras.redact.body(message.body)),
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
    }
}

/// A callback's URL and headers, which the wire shows apart.
pub(crate) fn callback_parts(callback: Option<Box<wire::Callback>>) -> (Option<String>, wire::Headers) {
    match callback {
        Some(callback) => (Some(callback.url.as_str().to_owned()), callback.options.headers),
        None => (None, wire::Headers::default()),
    }
}

/// A bound in whole milliseconds, as the wire has it.
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
