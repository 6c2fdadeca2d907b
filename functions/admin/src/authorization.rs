//! The admin API's token: `Authorization: Bearer <token>`.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use sigpost_runtime::ApiError;
use subtle::ConstantTimeEq;

/// SHA-256 of the token: compared as hashes, in constant time whatever the length.
#[derive(Clone, Copy)]
pub(crate) struct Token([u8; 32]);

impl Token {
    pub(crate) fn new(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    fn is_in(self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        given.is_some_and(|given| self.is(given.trim_ascii()))
    }

    /// Whether somebody knows it.
    pub(crate) fn is(self, given: &[u8]) -> bool {
        Sha256::digest(given).as_slice().ct_eq(&self.0).into()
    }
}

/// Lets a request through that carries the token, and answers 401 otherwise. Nothing is kept by
/// caches: neither what an admin sees nor that somebody was refused.
pub(crate) async fn require_token(State(token): State<Token>, request: Request, next: Next) -> Response {
    let mut response =
        if token.is_in(request.headers()) { next.run(request).await } else { ApiError::unauthorized().into_response() };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
