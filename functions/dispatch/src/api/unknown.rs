//! Errors for unknown paths.

use axum::http::{Method, Uri};
use sigpost_qstash::error::cut;
use sigpost_runtime::ApiError;

/// Path prefixes of unsupported parts of QStash's API and of incomplete paths, with their error.
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

/// Returns 404 with the reason.
pub(crate) async fn unknown_path(method: Method, uri: Uri) -> ApiError {
    let path = uri.path();
    match MISSING.iter().find(|(prefix, _)| path.starts_with(prefix)) {
        Some((_, reason)) => ApiError::not_found(format!("{}: {reason}", cut(path))),
        None => ApiError::not_found(format!("{method} {} is not an endpoint", cut(path))),
    }
}

/// Returns 400 for a path without a name. The client has probably an empty variable in place of the name.
pub(crate) async fn missing_name(method: Method, uri: Uri) -> ApiError {
    ApiError::bad_request(format!("{method} {}: the name is missing", uri.path()))
}
