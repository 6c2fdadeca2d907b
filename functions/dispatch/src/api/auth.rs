//! Authentication of the API: `Authorization: Bearer <token>`, or `?qstash_token=<token>` without that header.

pub(crate) mod permission;

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State as FromState};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sigpost_qstash::ErrorCode;
use sigpost_qstash::names::TOKEN_PARAMETER;
use sigpost_runtime::serve::BodyTime;
use sigpost_runtime::{ApiError, bearer};

use self::permission::Action;
use crate::api::{body, query};
use crate::state::State;
use crate::tokens::rate_limit::OverLimit;

/// Middleware that requires a token with the scope of the request. Returns 401 if the token is missing or invalid, 403
/// outside its scope, 429 over its rate limit, and 503 if the lookup fails because the database is unavailable.
pub(crate) async fn require_token(FromState(state): FromState<Arc<State>>, request: Request, next: Next) -> Response {
    let action = Action::of(request.method(), request.uri().path());
    match admit(&state, request.headers(), request.uri(), action).await {
        Ok(()) => {
            if action == Action::Publish {
                BodyTime::allow(request.extensions(), body::TIME);
            }
            next.run(request).await
        }
        Err(Rejection::Error(error)) => error.into_response(),
        Err(Rejection::OverLimit(over)) => over.into_response(),
    }
}

enum Rejection {
    Error(ApiError),
    OverLimit(OverLimit),
}

impl<E: Into<ApiError>> From<E> for Rejection {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

async fn admit(state: &State, headers: &HeaderMap, uri: &Uri, action: Action) -> Result<(), Rejection> {
    let token = token_of(headers, uri);
    let token = token.ok_or_else(|| ApiError::without_token(headers))?;
    let bearer = state.tokens.find(&token).await?.ok_or_else(ApiError::unauthorized)?;
    permission::check(bearer.scope(), action).map_err(|reason| ApiError::new(ErrorCode::Forbidden, reason))?;
    match action {
        Action::Publish => Ok(()),
        Action::Read | Action::Manage => state.tokens.count_request(&bearer).map_err(Rejection::OverLimit),
    }
}

/// Returns the token of the header, or of the query for clients that cannot set headers.
fn token_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<Cow<'a, [u8]>> {
    if headers.contains_key(header::AUTHORIZATION) {
        return bearer(headers).map(Cow::Borrowed);
    }
    let token = query::pairs(uri.query()?).find(|(name, _)| name == TOKEN_PARAMETER);
    token.map(|(_, value)| Cow::Owned(value.into_owned().into_bytes()))
}
