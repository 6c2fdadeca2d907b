//! Names and IDs in paths. The SDKs do not percent-encode them; other clients do. Both forms are accepted.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use sigpost_qstash::{ErrorCode, FlowControl, parse_resource_name};
use sigpost_runtime::ApiError;

/// The decoded `{id}` of a message, a dead letter or a schedule. Handlers return 404 for a malformed ID.
pub(crate) struct Id(pub(crate) String);

/// The decoded and validated `{name}` of a queue or a URL group.
pub(crate) struct ResourceName(pub(crate) String);

/// The decoded flow-control `{key}`: free text, in which `%2F` is a slash.
pub(crate) struct FlowControlKeyName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(parameter(parts, state).await?.1))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ResourceName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (name, value) = parameter(parts, state).await?;
        Ok(Self(parse_resource_name(&name, &value)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FlowControlKeyName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (name, value) = parameter(parts, state).await?;
        Ok(Self(FlowControl::parse_key(&name, &value)?))
    }
}

/// Returns the first path parameter and its decoded value.
async fn parameter<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<(String, String), ApiError> {
    let undecodable = |_| ApiError::new(ErrorCode::InvalidParameter, "path: is not valid UTF-8");
    let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(undecodable)?;
    let first = parameters.iter().next().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(first.unwrap_or_default())
}
