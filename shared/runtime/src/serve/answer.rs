//! What every response has: the ID of its request, and JSON as the body of an error.

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use http::{Method, Request, Uri, header};
use sigpost_qstash::ErrorCode;
use sigpost_qstash::error::cut;

use crate::ApiError;
use crate::request_id::{RequestId, SIGPOST_REQUEST_ID};

/// The parts of a request that its response may need.
pub(super) struct Asked {
    id: RequestId,
    method: Method,
    uri: Uri,
}

impl Asked {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let id = RequestId::of(request.extensions());
        Self { id, method: request.method().clone(), uri: request.uri().clone() }
    }

    /// Runs the request under its ID, and completes the response.
    pub(super) async fn answer(self, respond: impl Future<Output = Response>) -> Response {
        let complete = async {
            let response = respond.await;
            if is_bare_error(&response) { self.with_body(response) } else { response }
        };
        let mut response = self.id.clone().scope(complete).await;
        response.headers_mut().insert(SIGPOST_REQUEST_ID, self.id.to_header());
        response
    }

    /// Adds the body to an error of the router: for an unknown path or method.
    fn with_body(&self, response: Response) -> Response {
        let status = response.status();
        let code = ErrorCode::ALL.iter().copied().find(|code| code.status() == status.as_u16());
        let (method, path) = (&self.method, cut(self.uri.path()));
        let text = match code {
            Some(ErrorCode::NotFound) => format!("{method} {path} is not an endpoint"),
            Some(ErrorCode::MethodNotAllowed) => {
                let allowed = response.headers().get(header::ALLOW).and_then(|allow| allow.to_str().ok());
                format!("{method} is not supported on {path}{}", use_another(allowed.unwrap_or_default()))
            }
            _ => status.canonical_reason().unwrap_or("the request failed").to_lowercase(),
        };
        let (mut parts, _) = response.into_parts();
        let error = ApiError::new(code.unwrap_or(ErrorCode::InvalidRequest), text).into_response();
        let (of_error, body) = error.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.extend(of_error.headers);
        Response::from_parts(parts, body)
    }
}

fn is_bare_error(response: &Response<Body>) -> bool {
    let status = response.status();
    (status.is_client_error() || status.is_server_error())
        && !response.headers().contains_key(header::CONTENT_TYPE)
        && response.body().size_hint().exact() == Some(0)
}

/// Formats the header `Allow`, `GET,HEAD`, for a sentence.
fn use_another(allowed: &str) -> String {
    let methods: Vec<&str> = allowed.split(',').filter(|method| !method.is_empty()).collect();
    match methods.split_last() {
        Some((only, [])) => format!(", use {only}"),
        Some((last, others)) => format!(", use {} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::routing::{get, post};
    use http::StatusCode;
    use serde_json::Value;

    use super::super::route;
    use super::*;

    async fn answer(method: Method, path: &str) -> (Response<()>, Value) {
        let router = Router::new()
            .route("/one", post(async || "done"))
            .route("/two", get(async || "done").delete(async || "done"))
            .route("/bare", get(async || StatusCode::UNSUPPORTED_MEDIA_TYPE))
            .route("/text", get(async || (StatusCode::BAD_REQUEST, "why")));
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
        let (parts, body) = Asked::of(&request).answer(route(router, request)).await.into_parts();
        let body = to_bytes(body, 4096).await.expect("a body");
        (Response::from_parts(parts, ()), serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn errors_of_the_router_have_a_body_and_keep_status_and_headers() {
        for (method, path, status, code, error, allow) in [
            (Method::GET, "/none", 404, "not_found", "GET /none is not an endpoint", None),
            (Method::GET, "/one", 405, "method_not_allowed", "GET is not supported on /one, use POST", Some("POST")),
            (
                Method::PUT,
                "/two",
                405,
                "method_not_allowed",
                "PUT is not supported on /two, use GET, HEAD or DELETE",
                Some("GET,HEAD,DELETE"),
            ),
            (Method::GET, "/bare", 415, "invalid_request", "unsupported media type", None),
        ] {
            let (response, body) = answer(method, path).await;
            assert_eq!(
                (response.status().as_u16(), &body["code"], &body["error"]),
                (status, &code.into(), &error.into())
            );
            let header = |name| response.headers().get(name).map(|value| value.to_str().expect("text"));
            assert_eq!((header("allow"), header("content-type")), (allow, Some("application/json")), "{path}");
            assert_eq!(header("sigpost-request-id"), body["requestId"].as_str(), "{path}");
        }
    }

    #[tokio::test]
    async fn other_responses_get_only_the_request_id() {
        for (method, path, status) in [(Method::POST, "/one", 200), (Method::GET, "/text", 400)] {
            let (response, body) = answer(method, path).await;
            assert_eq!((response.status().as_u16(), body), (status, Value::Null));
            assert!(response.headers().contains_key(SIGPOST_REQUEST_ID));
        }
    }
}
