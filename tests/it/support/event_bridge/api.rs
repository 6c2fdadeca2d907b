//! The API calls.

use std::collections::{BTreeMap, HashMap};

use axum::extract::{Path, Query, State as FromState};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use super::rules::{Body, check, check_name};
use super::{Fault, Shared, State};

/// Page size of a list, small enough that clients need several pages.
const PAGE: usize = 2;

type Answer = Result<Json<Value>, Rejected>;

pub(super) struct Rejected(StatusCode, &'static str, String);

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        let Self(status, error, message) = self;
        (status, [("x-amzn-errortype", error)], Json(json!({ "Message": message }))).into_response()
    }
}

fn invalid(message: String) -> Rejected {
    Rejected(StatusCode::BAD_REQUEST, "ValidationException", message)
}

fn missing(what: &str) -> Rejected {
    Rejected(StatusCode::NOT_FOUND, "ResourceNotFoundException", format!("{what} does not exist."))
}

fn conflict(message: &str) -> Rejected {
    Rejected(StatusCode::CONFLICT, "ConflictException", message.to_owned())
}

pub(super) fn router(state: Shared) -> Router {
    let one = get(get_schedule).delete(delete_schedule).post(put_schedule).put(put_schedule);
    Router::new()
        .route("/schedules", get(list_schedules))
        .route("/schedules/{name}", one)
        .route("/schedule-groups/{name}", post(create_group))
        .with_state(state)
}

impl State {
    /// Records a call. Returns the fault to apply, or the rejection.
    fn enter(&mut self, change: Option<String>) -> Result<Option<Fault>, Rejected> {
        let rejected = || Rejected(StatusCode::FORBIDDEN, "AccessDeniedException", "not now".to_owned());
        if self.is_down {
            return Err(rejected());
        }
        let Some(change) = change else { return Ok(None) };
        self.changes.push(change);
        self.changed.notify_one();
        match self.faults.pop_front() {
            Some(Fault::Rejected) => Err(rejected()),
            fault => Ok(fault),
        }
    }

    fn group(&mut self, name: &str) -> Result<&mut BTreeMap<String, Body>, Rejected> {
        self.groups.get_mut(name).ok_or_else(|| missing(&format!("Schedule group {name}")))
    }
}

async fn answer(body: Value, fault: Option<Fault>) -> Answer {
    match fault {
        Some(Fault::Unanswered) => {
            Err(Rejected(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException", "lost".to_owned()))
        }
        Some(Fault::Swallowed | Fault::Silent) => std::future::pending().await,
        None | Some(Fault::Rejected) => Ok(Json(body)),
    }
}

fn change(method: &Method, name: &str) -> Option<String> {
    Some(format!("{method} {}", name.split('.').next().unwrap_or_default()))
}

async fn create_group(FromState(state): FromState<Shared>, Path(name): Path<String>) -> Answer {
    check_name("name", &name).map_err(invalid)?;
    let mut state = state.lock().expect("lock");
    if state.groups.contains_key(&name) {
        return Err(conflict("there is such a group"));
    }
    let arn = format!("arn:aws:scheduler:eu-central-1:123456789012:schedule-group/{name}");
    state.groups.insert(name, BTreeMap::new());
    Ok(Json(json!({ "ScheduleGroupArn": arn })))
}

async fn put_schedule(
    FromState(state): FromState<Shared>,
    Path(name): Path<String>,
    method: Method,
    body: Bytes,
) -> Answer {
    let fault = put(&mut state.lock().expect("lock"), &method, &name, &body)?;
    let arn = arn(&name, &serde_json::from_slice(&body).expect("checked"));
    answer(json!({ "ScheduleArn": arn }), fault).await
}

fn put(state: &mut State, method: &Method, name: &str, body: &[u8]) -> Result<Option<Fault>, Rejected> {
    let fault = state.enter(change(method, name))?;
    let body: Body = serde_json::from_slice(body).map_err(|why| invalid(why.to_string()))?;
    check(name, &body).map_err(invalid)?;
    if fault == Some(Fault::Swallowed) {
        return Ok(fault);
    }
    if method == Method::POST {
        let token = body.client_token.clone().unwrap_or_default();
        let creation = (name.to_owned(), body.clone());
        match state.creations.get(&token) {
            // "A unique identifier to ensure the idempotency of the request."
            Some(earlier) if *earlier == creation => return Ok(fault),
            Some(_) => return Err(invalid("clientToken: used for another creation".to_owned())),
            None => {}
        }
        if state.group(&body.group_name)?.contains_key(name) {
            return Err(conflict("there is such a schedule"));
        }
        state.creations.insert(token, creation);
    } else if !state.group(&body.group_name)?.contains_key(name) {
        return Err(missing(&format!("Schedule {name}")));
    }
    state.group(&body.group_name.clone())?.insert(name.to_owned(), body);
    Ok(fault)
}

async fn get_schedule(
    FromState(state): FromState<Shared>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let mut state = state.lock().expect("lock");
    state.enter(None)?;
    let found = state.group(group_name(&query))?.get(&name).ok_or_else(|| missing(&format!("Schedule {name}")))?;
    let mut shown = json!(found);
    shown["Name"] = json!(name);
    shown["Arn"] = json!(arn(&name, found));
    Ok(Json(shown))
}

async fn delete_schedule(
    FromState(state): FromState<Shared>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let fault = delete(&mut state.lock().expect("lock"), group_name(&query), &name)?;
    answer(json!({}), fault).await
}

fn delete(state: &mut State, group: &str, name: &str) -> Result<Option<Fault>, Rejected> {
    let fault = state.enter(change(&Method::DELETE, name))?;
    if fault != Some(Fault::Swallowed) {
        state.group(group)?.remove(name).ok_or_else(|| missing(&format!("Schedule {name}")))?;
    }
    Ok(fault)
}

async fn list_schedules(FromState(state): FromState<Shared>, Query(query): Query<HashMap<String, String>>) -> Answer {
    let mut state = state.lock().expect("lock");
    state.enter(None)?;
    let group = query.get("ScheduleGroup").map_or("default", String::as_str);
    let prefix = query.get("NamePrefix").map_or("", String::as_str);
    if !prefix.is_empty() {
        check_name("NamePrefix", prefix).map_err(invalid)?;
    }
    let after = query.get("NextToken").map_or("", String::as_str);
    let matching = state.group(group)?.iter().filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
    let page: Vec<_> = matching.take(PAGE + 1).collect();
    let next = (page.len() > PAGE).then(|| page[PAGE - 1].0);
    let shown = page.iter().take(PAGE).map(|(name, body)| {
        json!({
            "Name": name, "Arn": arn(name, body), "GroupName": body.group_name, "State": body.state,
            "Target": { "Arn": body.target.arn },
        })
    });
    Ok(Json(json!({ "Schedules": shown.collect::<Vec<_>>(), "NextToken": next })))
}

fn group_name(query: &HashMap<String, String>) -> &str {
    query.get("groupName").map_or("default", String::as_str)
}

fn arn(name: &str, body: &Body) -> String {
    format!("arn:aws:scheduler:eu-central-1:123456789012:schedule/{}/{name}", body.group_name)
}
