//! Reading a request's body, bounded.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::LengthLimitError;
use sigpost_runtime::ApiError;

/// Largest body of a request that changes settings: the most endpoints of a URL group with the longest URLs.
const SETTINGS_LIMIT: usize = 10_000_000;

/// The body of a request that changes settings.
pub(crate) async fn read_settings(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    read(headers, body, SETTINGS_LIMIT).await
}

/// The body, at most `limit` bytes of it. A declared length over the limit is refused unread.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(ApiError::too_large(limit));
    }
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        // axum gives the two cases one type; the limit's is the one with this source.
        match std::error::Error::source(&error) {
            Some(source) if source.is::<LengthLimitError>() => ApiError::too_large(limit),
            _ => ApiError::bad_request("body: the connection ended before the body was complete"),
        }
    })
}
