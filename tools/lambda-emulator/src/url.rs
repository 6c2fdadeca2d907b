//! Function URL and Invoke API.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::definition::Rejected;
use crate::event;
use crate::function::Function;
use crate::server::serve;

/// Lambda's limit of a request's size.
const MOST_BYTES: usize = 6 * 1024 * 1024;

impl Function {
    /// Serves the function's URL on a free port, and returns it.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn url(&self) -> std::io::Result<String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        self.serve_requests(listener);
        Ok(url)
    }

    /// Serves the function URL on a given listener, whose port the function may know in advance.
    ///
    /// # Errors
    ///
    /// The listener cannot be used.
    pub fn serve_url(&self, listener: std::net::TcpListener) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        self.serve_requests(TcpListener::from_std(listener)?);
        Ok(())
    }

    fn serve_requests(&self, listener: TcpListener) {
        serve(listener, Router::new().fallback(request).with_state(self.clone()));
    }

    /// Serves Lambda's Invoke API on a given listener (`AWS_ENDPOINT_URL_LAMBDA`).
    ///
    /// # Errors
    ///
    /// The listener cannot be used.
    pub fn serve_api(&self, listener: std::net::TcpListener) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        let path = "/2015-03-31/functions/{name}/invocations";
        serve(TcpListener::from_std(listener)?, Router::new().route(path, post(invocation)).with_state(self.clone()));
        Ok(())
    }
}

async fn request(State(function): State<Function>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    match function.invoke(event::of_request(&parts, &body, "203.0.113.7")).await {
        Ok(answer) => event::response(&answer).map(Body::from).into_response(),
        Err(Rejected::Throttled) => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Handles invocations. Asynchronous ones return immediately, as in Lambda, independent of their result.
async fn invocation(State(function): State<Function>, headers: HeaderMap, event: Bytes) -> Response {
    let Ok(event) = serde_json::from_slice::<Value>(&event) else { return StatusCode::BAD_REQUEST.into_response() };
    if headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event") {
        tokio::spawn(async move { function.invoke(event).await });
        return StatusCode::ACCEPTED.into_response();
    }
    match function.invoke(event).await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(Rejected::Throttled) => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Err(rejected) => axum::Json(json!({"errorMessage": rejected.to_string()})).into_response(),
    }
}
