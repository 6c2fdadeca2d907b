//! Who may ask the admin API: who has its token (`Authorization: Bearer <token>`), or whom AWS lets in.

use anyhow::{Result, anyhow, bail};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sigpost_runtime::{ApiError, Reading, bearer, env, is_signed_for_aws};

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
    pub(crate) fn from_settings(reading: &mut Reading) -> Option<Self> {
        match reading.checked("ADMIN_AUTH", |text| is_iam(text, env::in_lambda())) {
            Some(true) => Some(Self::Iam),
            _ => reading.required_as("ADMIN_TOKEN", |token| {
                let fix = "make one with `openssl rand -hex 32`";
                AdminToken::new(token).map(Self::Token).map_err(|why| anyhow!("{why}; {fix}"))
            }),
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

/// Reads `ADMIN_AUTH`.
fn is_iam(text: &str, in_lambda: bool) -> Result<bool> {
    match text {
        "token" => Ok(false),
        "iam" if in_lambda => Ok(true),
        "iam" => bail!("ADMIN_AUTH=iam: only Lambda checks signatures; leave it out, and set ADMIN_TOKEN"),
        other => bail!("ADMIN_AUTH={other:?} is neither token nor iam"),
    }
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
    fn iam_is_for_lambda_alone() {
        let said = |text, in_lambda| is_iam(text, in_lambda).map_err(|why| why.to_string());
        assert_eq!(said("iam", true), Ok(true));
        assert_eq!((said("token", true), said("token", false)), (Ok(false), Ok(false)));
        assert!(said("iam", false).is_err_and(|why| why.contains("only Lambda")));
        assert_eq!(said("IAM", true), Err("ADMIN_AUTH=\"IAM\" is neither token nor iam".into()));
    }
}
