//! `/v2/queues`: queues, their settings and their queue depth.

use std::iter::once;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use sigpost_qstash as wire;
use sigpost_qstash::{ErrorCode, UpsertQueue};
use sigpost_runtime::ApiError;
use sigpost_store::cancel::CancelledMany;
use sigpost_store::gates::of_queue;
use sigpost_store::queues::{self, Queue};

use crate::api::page::Asked;
use crate::api::path::ResourceName;
use crate::api::query::Query;
use crate::state::State;

/// Creates a queue or replaces its settings.
pub(crate) async fn upsert_queue(
    FromState(state): FromState<Arc<State>>,
    headers: HeaderMap,
    request_body: Body,
) -> Result<Json<Value>, ApiError> {
    let body = state.bodies.read_settings(&headers, request_body).await?;
    let UpsertQueue { queue_name, parallelism, paused } = UpsertQueue::parse(&body.bytes)?;
    let most = state.limits.max_parallelism;
    if parallelism > most {
        let reason = format!("parallelism: quota queueParallelism exceeded, current limit: {most}");
        return Err(ApiError::new(ErrorCode::QuotaExceeded, reason));
    }
    let gate = of_queue(&queue_name);
    state.rejected(once(gate.clone())).await.check(&state.limits, [gate])?;
    let parallelism = i32::try_from(parallelism).unwrap_or(i32::MAX);
    state.wake(queues::upsert(&mut *state.database.connection().await?, &queue_name, parallelism, paused).await?);
    Ok(Json(json!({})))
}

/// Lists the queues by name.
pub(crate) async fn list_queues(FromState(state): FromState<Arc<State>>, uri: Uri) -> Result<Response, ApiError> {
    let asked = Asked::of(&Query::parse(uri.query())?)?;
    let queues = queues::list(&mut *state.list_connection().await?, asked.page()).await?;
    Ok(asked.respond(queues.map(on_the_wire), &[]))
}

/// Returns a queue.
pub(crate) async fn get_queue(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
) -> Result<Json<wire::Queue>, ApiError> {
    let queue = queues::find(&mut *state.database.connection().await?, &name).await?;
    queue.map(|queue| Json(on_the_wire(queue))).ok_or_else(|| unknown(&name))
}

/// Deletes a queue and cancels its messages. Succeeds if the queue does not exist.
pub(crate) async fn delete_queue(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
) -> Result<Json<wire::Cancelled>, ApiError> {
    let deleted = queues::delete(&mut *state.database.connection().await?, &name).await?;
    let CancelledMany { count, wake_ups } = deleted.unwrap_or_default();
    state.wake(wake_ups);
    Ok(Json(wire::Cancelled { cancelled: count }))
}

/// Pauses a queue: it accepts messages but starts no attempts, including retries.
pub(crate) async fn pause_queue(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
) -> Result<Json<Value>, ApiError> {
    set_paused(&state, &name, true).await
}

/// Resumes a queue.
pub(crate) async fn resume_queue(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
) -> Result<Json<Value>, ApiError> {
    set_paused(&state, &name, false).await
}

async fn set_paused(state: &State, name: &str, paused: bool) -> Result<Json<Value>, ApiError> {
    let changed = queues::set_paused(&mut *state.database.connection().await?, name, paused).await?;
    state.wake(changed.ok_or_else(|| unknown(name))?);
    Ok(Json(json!({})))
}

fn unknown(name: &str) -> ApiError {
    ApiError::not_found(format!("queue {name} not found"))
}

fn on_the_wire(queue: Queue) -> wire::Queue {
    wire::Queue {
        name: queue.name,
        created_at: queue.created_at_ms,
        updated_at: queue.updated_at_ms,
        parallelism: queue.parallelism.unsigned_abs(),
        paused: queue.paused,
        lag: queue.lag,
    }
}
