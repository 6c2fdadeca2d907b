//! How many header fields a request may have.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};

use crate::ApiError;

/// Header fields of a request at most.
const MAX_HEADERS: usize = 100;

/// Rejects a request with more header fields, in JSON. The HTTP parser's own limit, whose rejection has no body, is
/// higher.
pub(super) fn limit_headers(router: Router) -> Router {
    router.layer(from_fn(check))
}

async fn check(request: Request, next: Next) -> Response {
    let count = request.headers().len();
    if count <= MAX_HEADERS {
        return next.run(request).await;
    }
    let text = format!("headers: the request has {count} header fields, at most {MAX_HEADERS} are accepted");
    ApiError::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text).into_response()
}
