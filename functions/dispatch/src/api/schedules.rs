//! `/v2/schedules`: create, list, read, delete, pause, resume and run.

mod show;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use sigpost_qstash as wire;
use sigpost_qstash::error::cut;
use sigpost_qstash::{
    Destination, Invalid, Params, ScheduleCreated, ScheduleOptions, ScheduleRun, Target, is_resource_name,
    new_schedule_id,
};
use sigpost_runtime::{ApiError, CallerAddress};
use sigpost_store::schedules::{self, Schedule, position_of};

use crate::api::body::Bound;
use crate::api::page::Asked;
use crate::api::path::Id;
use crate::api::query::Query;
use crate::api::quota::exceeded;
use crate::api::warnings::Warnings;
use crate::schedules::{announce, run_once};
use crate::state::State;
use show::on_the_wire;

/// Returns 400 for a path without an ID.
pub(crate) async fn missing_id() -> ApiError {
    Invalid::new("scheduleId", "is missing; nothing was deleted").into()
}

/// Lists the schedules.
pub(crate) async fn list_schedules(FromState(state): FromState<Arc<State>>, uri: Uri) -> Result<Response, ApiError> {
    let asked = Asked::of(&Query::parse(uri.query())?)?;
    if !asked.after.is_empty() && position_of(&asked.after).is_none() {
        return Err(Invalid::got("cursor", "must be a cursor of this endpoint", &asked.after).into());
    }
    let stored = schedules::list(&mut *state.list_connection().await?, asked.page()).await?;
    Ok(asked.respond(stored.map(on_the_wire), &[]))
}

/// Returns a schedule.
pub(crate) async fn get_schedule(
    FromState(state): FromState<Arc<State>>,
    Id(id): Id,
) -> Result<Json<wire::Schedule>, ApiError> {
    check_id(&id)?;
    let stored = schedules::find(&mut *state.database.connection().await?, &id).await?;
    stored.map(|stored| Json(on_the_wire(stored))).ok_or_else(|| unknown(&id))
}

/// Deletes a schedule. Its messages are kept.
pub(crate) async fn delete_schedule(FromState(state): FromState<Arc<State>>, Id(id): Id) -> Result<Response, ApiError> {
    check_id(&id)?;
    let was_there = schedules::delete(&mut *state.database.connection().await?, &id).await?;
    // Also if it did not exist: an earlier request may have failed after the deletion.
    state.schedules.driver.changed(&id).await?;
    if !was_there {
        return Err(unknown(&id));
    }
    Ok(done())
}

/// Handles `PATCH` and `PUT /v2/schedules/{id}/pause` and `/resume`.
pub(crate) async fn switch_schedule(
    FromState(state): FromState<Arc<State>>,
    method: Method,
    uri: Uri,
) -> Result<Response, ApiError> {
    match pause_or_resume(rest_of(&uri)) {
        Some((id, paused)) => set_paused(&state, id, paused).await,
        None => Err(ApiError::not_found(format!("{method} {} is not an endpoint", uri.path()))),
    }
}

/// Handles `POST`: creates a schedule, or pauses, resumes or runs one.
pub(crate) async fn post_schedule(
    FromState(state): FromState<Arc<State>>,
    caller: CallerAddress,
    uri: Uri,
    headers: HeaderMap,
    request_body: Body,
) -> Result<Response, ApiError> {
    let rest = rest_of(&uri);
    if let Some((id, paused)) = pause_or_resume(rest) {
        return set_paused(&state, id, paused).await;
    }
    if let Some((id, "run")) = rest.split_once('/').filter(|(id, _)| is_resource_name(id)) {
        return run_now(&state, id).await;
    }
    let target = Destination::from_raw(rest, uri.query())?;
    let params = Params::from_request(&headers, uri.query())?;
    let asked = ScheduleOptions::parse(&params, &state.limits, Timestamp::now())?;
    let warnings = Warnings::of(&params);
    let url = match &target {
        Target::Url(url) => Some(url),
        Target::Group(_) => None,
    };
    state.schedules.driver.check(&asked.cron_field, &asked.cron)?;
    state.schedules.composer.check_addresses(url, &asked.options)?;
    let body = state.bodies.read(&headers, request_body, Bound::bytes(state.limits.max_body_bytes)).await?;

    let is_nameless = asked.schedule_id.is_none();
    let schedule = Schedule {
        id: asked.schedule_id.unwrap_or_else(new_schedule_id),
        cron: asked.cron.as_str().to_owned(),
        destination: match target {
            Target::Url(destination) => destination.to_stored(),
            Target::Group(name) => name,
        },
        parameters: ScheduleOptions::of_messages(params),
        body: body.bytes.clone(),
        catch_up: asked.catch_up,
        caller_ip: caller.0.map(|address| address.to_string()),
    };
    let most = state.limits.max_schedules;
    if !schedules::put(&mut *state.database.connection().await?, &schedule, most).await? {
        return Err(exceeded("maxSchedules", most));
    }
    let driven = state.schedules.driver.changed(&schedule.id).await;
    if driven.is_err() && is_nameless {
        // The client does not get the ID, and its retry would create another schedule.
        schedules::delete(&mut *state.database.connection().await?, &schedule.id).await?;
    }
    driven?;
    Ok((warnings, Json(ScheduleCreated { schedule_id: schedule.id })).into_response())
}

async fn set_paused(state: &State, id: &str, paused: bool) -> Result<Response, ApiError> {
    if !schedules::set_paused(&mut *state.database.connection().await?, id, paused).await? {
        return Err(unknown(id));
    }
    state.schedules.driver.changed(id).await?;
    Ok(done())
}

async fn run_now(state: &State, id: &str) -> Result<Response, ApiError> {
    let mut conn = state.database.connection().await?;
    let stored = run_once(&mut conn, &state.schedules.composer, id).await?.ok_or_else(|| unknown(id))??;
    drop(conn);
    if let Some(dispatcher) = &state.dispatcher {
        announce(dispatcher, &stored);
    }
    Ok(Json(ScheduleRun { message_ids: stored.ids }).into_response())
}

/// Returns the raw path after `/v2/schedules/` or `/v2/Schedules/`, in which a destination keeps its slashes.
fn rest_of(uri: &Uri) -> &str {
    uri.path().get("/v2/schedules/".len()..).unwrap_or_default()
}

/// Parses `{id}/pause` and `{id}/resume`. Neither a URL nor the name of a URL group has this form.
fn pause_or_resume(rest: &str) -> Option<(&str, bool)> {
    let (id, action) = rest.split_once('/')?;
    let paused = match action {
        "pause" => true,
        "resume" => false,
        _ => return None,
    };
    is_resource_name(id).then_some((id, paused))
}

/// Returns 404 for a malformed ID, as for an ID that does not exist.
fn check_id(id: &str) -> Result<(), ApiError> {
    if is_resource_name(id) { Ok(()) } else { Err(unknown(id)) }
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("schedule {} not found", cut(id)))
}

/// Returns an empty object: clients check only the status, but some parse JSON first.
fn done() -> Response {
    Json(serde_json::Map::new()).into_response()
}
