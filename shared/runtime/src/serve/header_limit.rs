//! How many header fields a request may have.

use http::{HeaderMap, StatusCode};

use crate::ApiError;

/// Header fields of a request at most.
const MAX_HEADERS: usize = 100;

/// Rejects a request with more header fields, in JSON. The HTTP parser's own limit, whose rejection has no body, is
/// higher.
pub(super) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    let count = headers.len();
    if count <= MAX_HEADERS {
        return Ok(());
    }
    let text = format!("headers: the request has {count} header fields, at most {MAX_HEADERS} are accepted");
    Err(ApiError::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text))
}
