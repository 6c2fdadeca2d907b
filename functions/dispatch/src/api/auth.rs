//! The API's token: `Authorization: Bearer <token>`, or `?qstash_token=<token>` when there is no such header.

use std::sync::Arc;

use axum::extract::{Request, State as FromState};
use axum::http::{Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use sigpost_qstash::names::TOKEN_PARAMETER;
use sigpost_runtime::ApiError;
use subtle::ConstantTimeEq;

use crate::api::query;
use crate::state::State;

/// Lets a request through that carries the token, and answers 401 otherwise.
pub(crate) async fn require_token(
    FromState(state): FromState<Arc<State>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let header = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let given = match header {
        Some(value) => value.strip_prefix(b"Bearer ").map(|token| Sha256::digest(token.trim_ascii())),
        None => token_in_query(request.uri()).map(Sha256::digest),
    };
    match given {
        Some(hash) if bool::from(hash.as_slice().ct_eq(&state.token_hash)) => Ok(next.run(request).await),
        _ => Err(ApiError::unauthorized()),
    }
}

fn token_in_query(uri: &Uri) -> Option<String> {
    query::pairs(uri.query()?).find(|(name, _)| name == TOKEN_PARAMETER).map(|(_, value)| value.into_owned())
}
