//! Authorization of the admin API: its token (`Authorization: Bearer <token>`), or AWS IAM.

use anyhow::{Result, anyhow, bail};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sigpost_qstash::ErrorCode;
use sigpost_runtime::settings::{ADMIN_AUTH, ADMIN_TOKEN};
use sigpost_runtime::{ApiError, Reading, bearer, env, is_signed_for_aws};

use crate::admin_token::{AdminToken, Rejected};

/// Authorization method.
#[derive(Clone)]
pub enum Authorization {
    /// The admin token.
    Token(AdminToken),
    /// A signature that Lambda has verified (function URL with `AWS_IAM`) under the policies of the account. The header
    /// `Authorization` then has the signature, so there is no token.
    Iam,
}

impl Authorization {
    /// Reads `ADMIN_AUTH`: `token` (the default), which requires `ADMIN_TOKEN`, or `iam`.
    pub(crate) fn from_settings(reading: &mut Reading) -> Option<Self> {
        match reading.checked(ADMIN_AUTH, |text| is_iam(text, env::in_lambda())) {
            Some(true) => Some(Self::Iam),
            _ => reading.required_as(ADMIN_TOKEN, |token| {
                let fix = "make one with `openssl rand -hex 32`";
                AdminToken::new(token).map(Self::Token).map_err(|why| anyhow!("{why}; {fix}"))
            }),
        }
    }

    fn admit(&self, request: &Request) -> Result<(), ApiError> {
        match self {
            Self::Token(token) => {
                let given = bearer(request.headers()).ok_or_else(|| ApiError::without_token(request.headers()))?;
                token.check(given).map_err(ApiError::from)
            }
            Self::Iam if is_signed_for_aws(request.extensions()) => Ok(()),
            Self::Iam => Err(ApiError::new(
                ErrorCode::Unauthorized,
                "missing AWS signature: the function URL requires AuthType AWS_IAM",
            )),
        }
    }
}

/// Reads `ADMIN_AUTH`.
fn is_iam(text: &str, in_lambda: bool) -> Result<bool> {
    match text {
        "token" => Ok(false),
        "iam" if in_lambda => Ok(true),
        "iam" => bail!("ADMIN_AUTH=iam: only Lambda checks signatures; unset it, and set ADMIN_TOKEN"),
        other => bail!("ADMIN_AUTH={other:?}: must be token or iam"),
    }
}

impl From<Rejected> for ApiError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Wrong => Self::unauthorized(),
            Rejected::TooMany(wait) => {
                Self::too_many("too many invalid tokens; the valid token is still accepted", wait)
            }
        }
    }
}

/// Rejects unauthorized requests with 401. All responses, including rejections, have `Cache-Control: no-store`.
pub(crate) async fn require_authorization(
    State(authorization): State<Authorization>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match authorization.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(rejected) => rejected.into_response(),
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
        assert_eq!(said("IAM", true), Err("ADMIN_AUTH=\"IAM\": must be token or iam".into()));
    }
}
