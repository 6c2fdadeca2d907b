//! The refusals of all operations.

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::api::auth::permission::Action;
use crate::route::{Body, Route};

/// Status, name within the document, when it happens.
const REFUSALS: [(u16, &str, &str); 10] = [
    (400, "BadRequest", "A parameter or the body cannot be read; the error names it."),
    (401, "Unauthorized", "There is no token, or nobody knows it."),
    (403, "Forbidden", "The scope of the token does not allow this."),
    (404, "NotFound", "There is no such thing."),
    (409, "Conflict", "Its state does not allow this."),
    (412, "OverQuota", "There would be more of them than the server keeps."),
    (413, "TooLarge", "The body is larger than the server takes."),
    (429, "TooManyRequests", "The token has made too many requests within a second."),
    (500, "Failed", "The server failed; its log says why."),
    (
        503,
        "Unavailable",
        "The database is away, or for a schedule EventBridge Scheduler; try again after `Retry-After` seconds.",
    ),
];

/// For `components.responses`.
pub(super) fn all(error_schema: &Value) -> Value {
    let refusals = REFUSALS.iter().map(|(_, name, about)| {
        let refusal = json!({
            "description": about,
            "content": { "application/json": { "schema": error_schema } },
        });
        ((*name).to_owned(), refusal)
    });
    Value::Object(refusals.collect())
}

/// Those of one operation, by status.
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
    let refusals = REFUSALS.iter().filter(|(status, ..)| happens(*status) || route.refusals.contains(status));
    let link = |(status, name, _): &(u16, &str, &str)| {
        (status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }))
    };
    refusals.map(link).collect()
}
