//! One operation of the OpenAPI document.

use axum::http::Method;
use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::types::Types;
use super::{parameters, rejections};
use crate::api::auth::permission::Action;
use crate::route::{Body, Route};

/// Returns the operation of a route for one of its methods and one of its paths, in OpenAPI's path syntax.
pub(super) fn operation(section: &str, route: &Route, method: &Method, path: &str, types: &mut Types) -> Value {
    let mut operation = json!({
        "tags": [section],
        "summary": route.summary,
        "security": security(route, method, path),
        "responses": responses(route, method, path, types),
    });
    let parameters: Vec<Value> = parameters::of_path(path)
        .chain(route.query_parameters().map(parameters::of_query))
        .chain(route.options.into_iter().flat_map(parameters::options_of))
        .collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = request_body(route, &mut types.requests) {
        operation["requestBody"] = body;
    }
    if route.is_extension {
        operation["x-sigpost-extension"] = true.into();
    }
    operation
}

/// Returns the `operationId` of a route: `getMessage` for `get_message`.
pub(super) fn operation_id(route: &Route) -> String {
    let mut words = route.name.split('_');
    let mut id = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        id.extend([first.to_ascii_uppercase().as_str(), rest]);
    }
    id
}

/// Returns the security requirement: the token in a header or in the query, with the smallest scope that allows the
/// operation.
fn security(route: &Route, method: &Method, path: &str) -> Value {
    if !route.needs_token() {
        return json!([]);
    }
    let scope = match Action::of(method, path) {
        Action::Publish => "publish",
        Action::Read => "read",
        Action::Manage => "full",
    };
    json!([{ "token": [scope] }, { "tokenInQuery": [scope] }])
}

fn request_body(route: &Route, requests: &mut SchemaGenerator) -> Option<Value> {
    let json =
        |required, schema| json!({ "required": required, "content": { "application/json": { "schema": schema } } });
    match route.body {
        Body::None => None,
        Body::Payload => Some(json!({ "description": "The payload, delivered unchanged.", "content": { "*/*": {} } })),
        Body::Json(describe) => Some(json(true, describe(requests).to_value())),
        Body::JsonOfQuery => Some(json(false, parameters::query_as_json(route))),
    }
}

fn responses(route: &Route, method: &Method, path: &str, types: &mut Types) -> Value {
    let mut responses = rejections::of(route, method, path);
    for answer in &route.answers {
        let described = json!({
            "description": answer.about,
            "content": { "application/json": { "schema": (answer.body)(&mut types.answers) } },
        });
        responses.insert(answer.status.to_string(), described);
    }
    responses.into()
}
