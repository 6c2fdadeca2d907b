//! `GET /openapi.json`, which does not require a token.

use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::openapi::document;
use crate::router::sections;

/// The document, which is constant for a build.
struct Served {
    json: Bytes,
    etag: String,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let json = Bytes::from(document(&sections()).to_string());
    let mut hash = [0; 16];
    hash.copy_from_slice(&Sha256::digest(&json)[..16]);
    Served { json, etag: format!("\"{:032x}\"", u128::from_be_bytes(hash)) }
});

/// Returns the OpenAPI document, or 304 if the client has it.
pub(crate) async fn get_document(headers: HeaderMap) -> Response {
    let etag = SERVED.etag.as_str();
    let cache = [(header::ETAG, etag), (header::CACHE_CONTROL, "public, max-age=3600")];
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|value| value.split(',')).any(|known| [etag, "*"].contains(&known.trim())) {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(header::CONTENT_TYPE, "application/json")], SERVED.json.clone()).into_response()
}
