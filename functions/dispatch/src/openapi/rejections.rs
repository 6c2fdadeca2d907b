//! Error responses of all operations.

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::api::auth::permission::Action;
use crate::route::{Body, Route};

/// Status, component name, description.
const REFUSALS: [(u16, &str, &str); 10] = [
    (400, "BadRequest", "A parameter or the body is invalid. The error names it."),
    (401, "Unauthorized", "The token is missing or invalid."),
    (403, "Forbidden", "The scope of the token does not allow this operation."),
    (404, "NotFound", "The resource does not exist."),
    (409, "Conflict", "The state of the resource does not allow this operation."),
    (412, "OverQuota", "Quota exceeded."),
    (413, "TooLarge", "The body exceeds the size limit."),
    (429, "TooManyRequests", "The token exceeded its rate limit of requests per second."),
    (500, "Failed", "Internal error. The server log contains the cause."),
    (
        503,
        "Unavailable",
        "The database is unavailable, or EventBridge Scheduler is for schedules. Retry after `Retry-After` seconds.",
    ),
];

/// Returns all error responses for `components.responses`.
pub(super) fn all(error_schema: &Value) -> Value {
    let rejections = REFUSALS.iter().map(|(_, name, about)| {
        let rejection = json!({
            "description": about,
            "content": { "application/json": { "schema": error_schema } },
        });
        ((*name).to_owned(), rejection)
    });
    Value::Object(rejections.collect())
}

/// Returns the error responses of one operation by status.
pub(super) fn of(route: &Route, method: &Method, path: &str) -> Map<String, Value> {
    let reads_body = !matches!(route.body, Body::None);
    let reads_input =
        path.contains('{') || route.query_parameters().next().is_some() || route.options.is_some() || reads_body;
    let happens = |status: u16| match status {
        400 => reads_input,
        401 | 403 | 500 | 503 => route.needs_token(),
        413 => reads_body,
        429 => route.needs_token() && Action::of(method, path) != Action::Publish,
        _ => false,
    };
    let rejections = REFUSALS.iter().filter(|(status, ..)| happens(*status) || route.rejections.contains(status));
    let link = |(status, name, _): &(u16, &str, &str)| {
        (status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }))
    };
    rejections.map(link).collect()
}
