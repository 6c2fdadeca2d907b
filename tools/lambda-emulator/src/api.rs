//! Runtime and Extensions API of one environment.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::definition::Rejected;
use crate::environment::{Environment, RUNTIME};
use crate::server;

/// Serves the API on a free port until the environment is dropped.
pub(crate) async fn serve(environment: &Arc<Environment>) -> std::io::Result<SocketAddr> {
    // The server must not keep the environment alive.
    let environment = Arc::downgrade(environment);
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next_for_runtime))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(next_for_extension))
        .with_state(environment);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    server::serve(listener, router);
    Ok(address)
}

type Of = State<Weak<Environment>>;

/// Returns the environment, or an error response for a process that has outlived it.
fn here(environment: &Weak<Environment>) -> Result<Arc<Environment>, StatusCode> {
    environment.upgrade().ok_or(StatusCode::GONE)
}

async fn next_for_runtime(State(environment): Of) -> Result<Response, StatusCode> {
    let delivery = here(&environment)?.next(RUNTIME).await.ok_or(StatusCode::FORBIDDEN)?;
    let headers = [
        ("lambda-runtime-aws-request-id", delivery.request_id),
        ("lambda-runtime-deadline-ms", delivery.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:sigpost".to_owned()),
    ];
    Ok((headers, Json(delivery.event)).into_response())
}

async fn response(State(environment): Of, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, StatusCode> {
    let answer = serde_json::from_slice::<Value>(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    posted(here(&environment)?.answer(&id, Ok(answer)))
}

async fn error(State(environment): Of, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, StatusCode> {
    let error = String::from_utf8_lossy(&body).into_owned();
    posted(here(&environment)?.answer(&id, Err(Rejected::Failed(error))))
}

fn posted(accepted: bool) -> Result<StatusCode, StatusCode> {
    if accepted { Ok(StatusCode::ACCEPTED) } else { Err(StatusCode::BAD_REQUEST) }
}

/// A process that cannot start is replaced.
async fn init_error(State(environment): Of) -> Result<StatusCode, StatusCode> {
    here(&environment)?.die();
    Ok(StatusCode::ACCEPTED)
}

const EXTENSION_ID: &str = "lambda-extension-identifier";

async fn register(State(environment): Of, headers: HeaderMap, body: Json<Value>) -> Result<Response, StatusCode> {
    let name = header(&headers, "lambda-extension-name").ok_or(StatusCode::BAD_REQUEST)?;
    if !here(&environment)?.register(name.to_owned(), &body["events"]) {
        return Err(StatusCode::FORBIDDEN);
    }
    let function = json!({"functionName": "sigpost", "functionVersion": "$LATEST", "handler": "bootstrap"});
    // The name is the ID, which is opaque to clients.
    Ok(([(EXTENSION_ID, name.to_owned())], Json(function)).into_response())
}

async fn next_for_extension(State(environment): Of, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let id = header(&headers, EXTENSION_ID).filter(|id| *id != RUNTIME).ok_or(StatusCode::FORBIDDEN)?;
    let delivery = here(&environment)?.next(id).await.ok_or(StatusCode::FORBIDDEN)?;
    Ok(Json(json!({
        "eventType": "INVOKE",
        "deadlineMs": u64::try_from(delivery.deadline_ms).unwrap_or(u64::MAX),
        "requestId": delivery.request_id,
        "invokedFunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:sigpost",
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-00000000-000000000000000000000000"},
    })))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
