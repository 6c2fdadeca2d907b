//! `/v2/topics`: URL groups, named groups of destinations.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};
use sigpost_qstash as wire;
use sigpost_qstash::{EditEndpoints, Endpoint, Invalid, Options, Params, UrlGroupDefaults};
use sigpost_runtime::ApiError;
use sigpost_store::url_groups::{self, Added, Most, UrlGroup};

use crate::api::page::Asked;
use crate::api::path::ResourceName;
use crate::api::publish::{check_address, check_callback_addresses, unknown_group};
use crate::api::query::Query;
use crate::api::quota::exceeded;
use crate::api::warnings::Warnings;
use crate::state::State;

/// Lists the groups by name.
pub(crate) async fn list_url_groups(FromState(state): FromState<Arc<State>>, uri: Uri) -> Result<Response, ApiError> {
    let asked = Asked::of(&Query::parse(uri.query())?)?;
    let groups = url_groups::list(&mut *state.list_connection().await?, asked.page()).await?;
    Ok(asked.respond(groups.map(on_the_wire), &[]))
}

/// Returns a group.
pub(crate) async fn get_url_group(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
) -> Result<Json<wire::UrlGroup>, ApiError> {
    let group = url_groups::find(&mut *state.database.connection().await?, &name).await?;
    group.map(|group| Json(on_the_wire(group))).ok_or_else(|| unknown_group(&name))
}

/// Adds endpoints to a group, and creates the group if it does not exist.
pub(crate) async fn add_endpoints(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
    headers: HeaderMap,
    request_body: Body,
) -> Result<Json<Value>, ApiError> {
    let body = state.bodies.read_settings(&headers, request_body).await?;
    let endpoints = EditEndpoints::parse(&body.bytes)?.to_add()?;
    endpoints.iter().enumerate().try_for_each(|(index, endpoint)| check_endpoint(&state, index, endpoint))?;
    let most = Most { groups: state.limits.max_url_groups, endpoints: state.limits.max_endpoints };
    match url_groups::add_endpoints(&mut *state.database.connection().await?, &name, &endpoints, most).await? {
        Added::Yes => Ok(Json(json!({}))),
        Added::TooManyEndpoints => Err(exceeded("maxEndpoints", most.endpoints)),
        Added::TooManyGroups => Err(exceeded("maxTopics", most.groups)),
    }
}

/// Checks an endpoint's URL as the destination of a publish.
fn check_endpoint(state: &State, index: usize, endpoint: &Endpoint) -> Result<(), ApiError> {
    let name_field = |reason: &str| Invalid::new(format!("endpoints[{index}].url"), reason).in_body().into();
    state.limits.check_destination(&endpoint.url).map_err(|invalid: Invalid| name_field(&invalid.reason))?;
    check_address(&state.address_policy, &endpoint.url).map_err(|error| name_field(error.text()))
}

/// Removes endpoints by name or URL. Deletes a group without endpoints.
pub(crate) async fn remove_endpoints(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
    headers: HeaderMap,
    request_body: Body,
) -> Result<Json<Value>, ApiError> {
    let body = state.bodies.read_settings(&headers, request_body).await?;
    let endpoints = EditEndpoints::parse(&body.bytes)?.to_remove()?;
    match url_groups::remove_endpoints(&mut *state.database.connection().await?, &name, &endpoints).await? {
        true => Ok(Json(json!({}))),
        false => Err(unknown_group(&name)),
    }
}

/// Replaces the default headers of the group.
pub(crate) async fn set_defaults(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
    headers: HeaderMap,
    request_body: Body,
) -> Result<(Warnings, Json<Value>), ApiError> {
    let body = state.bodies.read_settings(&headers, request_body).await?;
    let defaults = UrlGroupDefaults::parse(&body.bytes)?;
    let params = Params::from_pairs(defaults.pairs())?;
    // Rejects options that would make every publish fail.
    let options = Options::parse(&params, &state.limits, Timestamp::now())?;
    check_callback_addresses(&state.address_policy, &options)?;
    match url_groups::set_defaults(&mut *state.database.connection().await?, &name, &defaults).await? {
        true => Ok((Warnings::of(&params), Json(json!({})))),
        false => Err(unknown_group(&name)),
    }
}

/// Deletes a group. Its messages are still delivered. Succeeds if the group does not exist.
pub(crate) async fn delete_url_group(
    FromState(state): FromState<Arc<State>>,
    ResourceName(name): ResourceName,
) -> Result<Json<Value>, ApiError> {
    url_groups::delete(&mut *state.database.connection().await?, &name).await?;
    Ok(Json(json!({})))
}

fn on_the_wire(group: UrlGroup) -> wire::UrlGroup {
    wire::UrlGroup {
        name: group.name,
        created_at: group.created_at_ms,
        updated_at: group.updated_at_ms,
        endpoints: group
            .endpoints
            .into_iter()
            .map(|endpoint| Endpoint { url: endpoint.url.without_user_info(), ..endpoint })
            .collect(),
    }
}
