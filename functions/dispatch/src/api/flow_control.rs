//! `/v2/flowControl` and `/v2/globalParallelism`.

use std::iter::once;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value, json};
use sigpost_qstash::flow_control::parse_period;
use sigpost_qstash::{self as wire, GlobalParallelism, Invalid};
use sigpost_runtime::ApiError;
use sigpost_store::flow_controls::{self, Change, FlowControlKey};
use sigpost_store::gates::of_flow_control_key;
use sigpost_store::leases::count_in_flight;

use crate::api::page::{Asked, PAGE};
use crate::api::parameter::{Kind, Parameter};
use crate::api::path::FlowControlKeyName;
use crate::api::query::Query;
use crate::dispatcher::Dispatcher;
use crate::state::State;

/// Query parameters of the list.
pub(crate) const SEARCH: &[&[Parameter]] =
    &[&[Parameter::one("search", Kind::Text, "Only keys that contain this text.")], PAGE];
/// Query parameters of pin.
pub(crate) const PIN: &[&[Parameter]] = &[&[
    Parameter::one("parallelism", Kind::Integer, "Maximum number of attempts in flight, at least 1."),
    Parameter::one("rate", Kind::Integer, "Maximum number of attempts started per period, at least 1."),
    Parameter::one("period", Kind::Text, "The period of the rate: seconds or a duration such as 1m."),
]];
/// Query parameters of unpin.
pub(crate) const UNPIN: &[&[Parameter]] = &[&[
    Parameter::one("parallelism", Kind::Flag, "Whether to unpin the parallelism."),
    Parameter::one("rate", Kind::Flag, "Whether to unpin the rate and its period."),
]];

/// Lists the keys by name; with `search`, only those that contain its text.
pub(crate) async fn list_flow_control_keys(
    FromState(state): FromState<Arc<State>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = Query::parse(uri.query())?.allow_only(SEARCH)?;
    let (asked, search) = (Asked::of(&query)?, query.exact("search").into_iter().next().unwrap_or_default());
    let keys = flow_controls::list(&mut *state.list_connection().await?, &search, asked.page()).await?;
    Ok(asked.respond(keys.map(on_the_wire), &[("search", &search)]))
}

/// Returns a key.
pub(crate) async fn get_flow_control_key(
    FromState(state): FromState<Arc<State>>,
    FlowControlKeyName(key): FlowControlKeyName,
) -> Result<Json<wire::FlowControlKey>, ApiError> {
    let found = flow_controls::find(&mut *state.database.connection().await?, &key).await?;
    let unknown = || ApiError::not_found(format!("flow control key {key} not found"));
    found.map(|found| Json(on_the_wire(found))).ok_or_else(unknown)
}

/// Pauses a key: no attempt starts, attempts in flight continue, new messages are blocked.
pub(crate) async fn pause_key(
    FromState(state): FromState<Arc<State>>,
    FlowControlKeyName(key): FlowControlKeyName,
) -> Result<Json<Value>, ApiError> {
    apply(&state, &key, Change { paused: Some(true), ..Change::default() }).await
}

/// Resumes a key.
pub(crate) async fn resume_key(
    FromState(state): FromState<Arc<State>>,
    FlowControlKeyName(key): FlowControlKeyName,
) -> Result<Json<Value>, ApiError> {
    apply(&state, &key, Change { paused: Some(false), ..Change::default() }).await
}

/// Pins limits, which messages do not change until they are unpinned: `parallelism`, `rate`, or both, and the `period`
/// of the rate.
pub(crate) async fn pin_key(
    FromState(state): FromState<Arc<State>>,
    FlowControlKeyName(key): FlowControlKeyName,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(uri.query())?.allow_only(PIN)?;
    let change = Change {
        pin_parallelism: bound(&query, "parallelism")?,
        pin_rate: bound(&query, "rate")?,
        period_s: period(&query)?,
        ..Change::default()
    };
    if change.pin_parallelism.is_none() && change.pin_rate.is_none() {
        return Err(Invalid::new("pin", "requires parallelism or rate").into());
    }
    if change.pin_rate.is_none() && change.period_s.is_some() {
        return Err(Invalid::new("period", "requires rate").into());
    }
    apply(&state, &key, change).await
}

/// Unpins limits: `parallelism=true`, `rate=true`, or both.
pub(crate) async fn unpin_key(
    FromState(state): FromState<Arc<State>>,
    FlowControlKeyName(key): FlowControlKeyName,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(uri.query())?.allow_only(UNPIN)?;
    let change = Change {
        unpin_parallelism: query.flag("parallelism")?.unwrap_or(false),
        unpin_rate: query.flag("rate")?.unwrap_or(false),
        ..Change::default()
    };
    apply(&state, &key, change).await
}

/// Resets the rate counter; the next start begins a new period. Messages that can start already are claimed and counted
/// before the reset, so that the count is 0 after a publish and a reset (the Python SDK's tests).
pub(crate) async fn reset_rate(
    FromState(state): FromState<Arc<State>>,
    FlowControlKeyName(key): FlowControlKeyName,
) -> Result<Json<Value>, ApiError> {
    if let Some(dispatcher) = &state.dispatcher {
        dispatcher.claim_at_limit_now(of_flow_control_key(&key)).await;
    }
    apply(&state, &key, Change { reset_rate: true, ..Change::default() }).await
}

async fn apply(state: &State, key: &str, change: Change) -> Result<Json<Value>, ApiError> {
    let gate = of_flow_control_key(key);
    state.rejected(once(gate.clone())).await.check(&state.limits, [gate])?;
    state.wake(flow_controls::apply(&mut *state.database.connection().await?, key, change).await?);
    Ok(Json(json!({})))
}

fn bound(query: &Query, name: &str) -> Result<Option<i32>, Invalid> {
    match query.parsed::<i32>(name, "a whole number")? {
        Some(bound) if bound < 1 => Err(Invalid::got(name, "must be 1 or more", bound)),
        bound => Ok(bound),
    }
}

/// Parses the period as a publish does: seconds or a duration.
fn period(query: &Query) -> Result<Option<i32>, Invalid> {
    let text = query.exact("period").into_iter().next();
    let period = text.map(|text| parse_period("period", &text)).transpose()?;
    Ok(period.map(|period| i32::try_from(period.as_secs()).unwrap_or(i32::MAX)))
}

/// Returns the concurrency limit of this process (0 if it does not deliver), and the attempts in flight of the whole
/// deployment.
pub(crate) async fn get_global_parallelism(
    FromState(state): FromState<Arc<State>>,
) -> Result<Json<GlobalParallelism>, ApiError> {
    let parallelism_count = count_in_flight(&mut *state.database.connection().await?).await?;
    let max_in_flight = state.dispatcher.as_ref().map_or(0, Dispatcher::max_in_flight);
    Ok(Json(GlobalParallelism { parallelism_max: i64::try_from(max_in_flight).unwrap_or(i64::MAX), parallelism_count }))
}

fn on_the_wire(key: FlowControlKey) -> wire::FlowControlKey {
    let bound = |bound: Option<i32>| bound.map_or(0, i32::unsigned_abs);
    wire::FlowControlKey {
        flow_control_key: key.key,
        wait_list_size: key.wait_list_size,
        parallelism_max: bound(key.parallelism),
        parallelism_count: key.parallelism_count,
        rate_max: bound(key.rate),
        rate_count: i64::from(key.rate_count),
        rate_period: u64::from(key.period_s.unsigned_abs()),
        rate_period_start: key.period_start_s.unwrap_or(0),
        is_pinned_parallelism: key.pinned_parallelism,
        is_pinned_rate: key.pinned_rate,
        is_paused: key.paused,
    }
}
