//! Who may ask the admin API: who has its token (`Authorization: Bearer <token>`), or whom AWS lets in.

use anyhow::{Context, Result, bail, ensure};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sigpost_runtime::{ApiError, env, is_signed_for_aws};

use crate::admin_token::{AdminToken, Refused};

/// How somebody shows that they may ask.
#[derive(Clone)]
pub enum Authorization {
    /// With the token.
    Token(AdminToken),
    /// With a signature that Lambda has checked: the function's URL asks for one (`AWS_IAM`), and the policies
    /// of the account say whose are good. `Authorization` has the signature then, so that there is no token.
    Iam,
}

impl Authorization {
    /// `ADMIN_AUTH`: `token` (the default), for which `ADMIN_TOKEN` is required, or `iam`.
    pub(crate) fn from_env() -> Result<Self> {
        Self::read(env::var("ADMIN_AUTH")?.as_deref(), env::in_lambda(), || env::required("ADMIN_TOKEN"))
    }

    fn read(kind: Option<&str>, in_lambda: bool, token: impl FnOnce() -> Result<String>) -> Result<Self> {
        match kind {
            None | Some("token") => {
                let token = AdminToken::new(&token()?).context("make another one with `openssl rand -hex 32`")?;
                Ok(Self::Token(token))
            }
            Some("iam") => {
                ensure!(in_lambda, "ADMIN_AUTH=iam: only Lambda checks signatures; leave it out, and set ADMIN_TOKEN");
                Ok(Self::Iam)
            }
            Some(other) => bail!("ADMIN_AUTH={other:?} is neither token nor iam"),
        }
    }

    fn admit(&self, request: &Request) -> Result<(), ApiError> {
        match self {
            Self::Token(token) => {
                let given = bearer(request.headers()).ok_or_else(ApiError::unauthorized)?;
                token.check(given).map_err(ApiError::from)
            }
            Self::Iam if is_signed_for_aws(request.extensions()) => Ok(()),
            Self::Iam => Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "the request has no signature of AWS: the function's URL needs AuthType AWS_IAM",
            )),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iam_is_for_lambda_alone_and_needs_no_token() {
        let (none, short, long) = (|| bail!("ADMIN_TOKEN is not set"), || Ok("short".into()), || Ok("a".repeat(32)));
        assert!(matches!(Authorization::read(Some("iam"), true, none), Ok(Authorization::Iam)));
        assert!(matches!(Authorization::read(None, true, long), Ok(Authorization::Token(_))));
        assert!(matches!(Authorization::read(Some("token"), false, long), Ok(Authorization::Token(_))));
        for (refused, why) in [
            (Authorization::read(Some("iam"), false, long), "only Lambda"),
            (Authorization::read(Some("IAM"), true, long), "neither token nor iam"),
            (Authorization::read(None, true, none), "not set"),
            (Authorization::read(None, true, short), "fewer than 32 characters"),
        ] {
            let error = refused.err().map(|why| format!("{why:#}")).unwrap_or_default();
            assert!(error.contains(why), "{error}");
        }
    }
}
