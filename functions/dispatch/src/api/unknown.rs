//! Paths and methods that are not there.

use axum::http::{Method, StatusCode, Uri};
use sigpost_runtime::ApiError;

/// Parts of QStash's API, and paths that end too early, with what is said about them.
const MISSING: &[(&str, &str)] = &[
    ("/v2/trigger", "Upstash Workflow is not part of sigpost"),
    ("/v2/batch/trigger", "Upstash Workflow is not part of sigpost"),
    ("/v2/workflows", "Upstash Workflow is not part of sigpost"),
    ("/v2/notify", "Upstash Workflow is not part of sigpost"),
    ("/v2/wait", "Upstash Workflow is not part of sigpost"),
    ("/llm/", "LLM completions are not part of sigpost"),
    ("/v2/publish", "a non-empty destination must be provided"),
    ("/v2/enqueue", "the queue or the destination is missing"),
];

/// 404 with the reason, as JSON.
pub(crate) async fn unknown_path(method: Method, uri: Uri) -> ApiError {
    let path = uri.path();
    match MISSING.iter().find(|(prefix, _)| path.starts_with(prefix)) {
        Some((_, reason)) => ApiError::not_found(format!("{path}: {reason}")),
        None => ApiError::not_found(format!("{method} {path} is not an endpoint")),
    }
}

/// 405 as JSON.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not supported on {}", uri.path()))
}

/// 400: a path that ends where a name should be. Elsewhere it would mean all of them, and whoever
/// sends it has most likely lost a name.
pub(crate) async fn missing_name(method: Method, uri: Uri) -> ApiError {
    ApiError::bad_request(format!("{method} {}: the name is missing", uri.path()))
}
