//! The maximum of header fields in a request.

use http::HeaderMap;
use sigpost_qstash::ErrorCode;

use crate::ApiError;

/// Maximum of header fields in a request.
const MAX_HEADERS: usize = 100;

/// Rejects a request with more header fields, with an error in JSON. The HTTP parser's own limit is higher; its
/// rejection has no body.
pub(super) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    let count = headers.len();
    if count <= MAX_HEADERS {
        return Ok(());
    }
    let text = format!("headers: the request has {count} header fields, at most {MAX_HEADERS} are accepted");
    Err(ApiError::new(ErrorCode::TooManyHeaders, text))
}
