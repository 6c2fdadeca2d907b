//! Response of `GET /openapi.json`.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The OpenAPI document, which is constant for a build.
pub(crate) struct Served {
    json: Bytes,
    etag: String,
}

impl Served {
    pub(crate) fn new(document: &Value) -> Self {
        let json = Bytes::from(document.to_string());
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(&json)[..16]);
        Self { json, etag: format!("\"{:032x}\"", u128::from_be_bytes(hash)) }
    }

    /// Returns the document, or 304 if the client has it.
    pub(crate) fn response(&self, headers: &HeaderMap) -> Response {
        let etag = self.etag.as_str();
        let cache = [(header::ETAG, etag), (header::CACHE_CONTROL, "public, max-age=3600")];
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        if known.flat_map(|value| value.split(',')).any(|known| [etag, "*"].contains(&known.trim())) {
            return (StatusCode::NOT_MODIFIED, cache).into_response();
        }
        (cache, [(header::CONTENT_TYPE, "application/json")], self.json.clone()).into_response()
    }
}
