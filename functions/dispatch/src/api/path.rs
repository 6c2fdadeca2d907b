//! Names and ids in paths. SDKs do not escape them, browsers and careful people do: both are read.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use sigpost_qstash::{FlowControl, parse_resource_name};
use sigpost_runtime::ApiError;

/// The `{id}` of a message, a dead letter or a schedule, decoded; what cannot be one is not found.
pub(crate) struct Id(pub(crate) String);

/// The `{name}` of a queue or a URL group, decoded and checked.
pub(crate) struct ResourceName(pub(crate) String);

/// The `{key}` of flow control: free text, a `%2F` in it is a slash.
pub(crate) struct FlowControlKeyName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(parameter(parts, state).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ResourceName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(parse_resource_name("name", &parameter(parts, state).await?)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FlowControlKeyName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(FlowControl::parse_key("flowControlKey", &parameter(parts, state).await?)?))
    }
}

/// The first parameter of the path, decoded.
async fn parameter<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, ApiError> {
    let undecodable = |_| ApiError::bad_request("path: is not valid UTF-8");
    let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(undecodable)?;
    let first = parameters.iter().next().map(|(_, value)| value.to_owned());
    Ok(first.unwrap_or_default())
}
