//! Who may ask the admin API: who has its token (`Authorization: Bearer <token>`).

use anyhow::{Context, Result};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sigpost_runtime::{ApiError, env};

use crate::admin_token::{AdminToken, Refused};

/// How somebody shows that they may ask.
#[derive(Clone)]
pub enum Authorization {
    /// With the token.
    Token(AdminToken),
}

impl Authorization {
    /// `ADMIN_TOKEN`, which is required.
    pub(crate) fn from_env() -> Result<Self> {
        let token = AdminToken::new(&env::required("ADMIN_TOKEN")?);
        Ok(Self::Token(token.context("make another one with `openssl rand -hex 32`")?))
    }

    fn admit(&self, request: &Request) -> Result<(), ApiError> {
        let Self::Token(token) = self;
        let given = bearer(request.headers()).ok_or_else(ApiError::unauthorized)?;
        token.check(given).map_err(ApiError::from)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let given = headers.get(header::AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")?;
    Some(given.trim_ascii())
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => Self::unauthorized(),
            Refused::TooMany(wait) => Self::too_many("too many wrong tokens; the right one is let in", wait),
        }
    }
}

/// Lets a request through that may ask, and answers 401 otherwise. Nothing is kept by caches: neither
/// what an admin sees nor that somebody was refused.
pub(crate) async fn require_authorization(
    State(authorization): State<Authorization>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match authorization.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
