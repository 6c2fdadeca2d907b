//! Who called: the address that messages keep as `callerIP`.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use lambda_http::request::RequestContext;

/// The caller's address: from the Lambda event in Lambda, from the socket elsewhere. `None` when neither knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerAddress(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for CallerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        if let Some(ConnectInfo(address)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            return Ok(Self(Some(address.ip().to_canonical())));
        }
        let from_lambda = match parts.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
            _ => None,
        };
        Ok(Self(from_lambda.and_then(|text| text.parse().ok())))
    }
}
