//! The caller's address, which messages store as `callerIP`, and whether AWS has verified the caller's signature.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::Extensions;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;

/// Returns whether AWS has verified a signature of the request, as a Function URL with `AWS_IAM` does. The event
/// names the signer outside the headers, so that no header can forge it. (A principal that may invoke the function
/// directly can forge events; restrict that in IAM.)
pub fn is_signed_for_aws(extensions: &Extensions) -> bool {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.authorizer.as_ref().is_some_and(|authorizer| authorizer.iam.is_some())
        }
        _ => false,
    }
}

/// The caller's address: in Lambda from the event, elsewhere from the socket. `None` if neither has one.
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

#[cfg(test)]
mod tests {
    use lambda_http::request::from_str;

    use super::*;

    #[test]
    fn only_the_event_proves_a_signature() {
        let event = |authorizer: &str, headers: &str| {
            let http =
                r#"{"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": ""}"#;
            let context = format!(
                r#"{{"accountId": "123456789012", "apiId": "a", "domainName": "a.on.aws", "domainPrefix": "a",
                "requestId": "r", "routeKey": "$default", "stage": "$default", "timeEpoch": 1, "http": {http} {authorizer}}}"#
            );
            let event = format!(
                r#"{{"version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {{{headers}}},
                "requestContext": {context}, "isBase64Encoded": false}}"#
            );
            is_signed_for_aws(from_str(&event).expect("an event").extensions())
        };
        let iam = r#", "authorizer": {"iam": {"accessKey": "AKID", "accountId": "123456789012", "callerId": "AIDA",
            "cognitoIdentity": null, "principalOrgId": null, "userArn": "arn:aws:iam::123456789012:user/a", "userId": "AIDA"}}"#;
        assert!(event(iam, ""));
        let forged =
            r#""x-amzn-request-context": "{\"authorizer\": {\"iam\": {}}}", "authorization": "AWS4-HMAC-SHA256 x""#;
        for (authorizer, headers) in
            [("", ""), ("", forged), (r#", "authorizer": null"#, forged), (r#", "authorizer": {"iam": null}"#, forged)]
        {
            assert!(!event(authorizer, headers), "{authorizer} {headers}");
        }
        assert!(!is_signed_for_aws(&Extensions::new()));
    }
}
