//! `POST /v2/publish/{destination}`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State as FromState};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use sigpost_qstash::{Destination, Invalid, Options, Params, Target};
use sigpost_runtime::{AddressPolicy, ApiError, CallerAddress};
use sigpost_store::url_groups;

use crate::api::body::{Bound, Received};
use crate::api::quota::wanted;
use crate::api::warnings::Warnings;
use crate::publication::{Publication, Recipients};
use crate::state::State;

/// Stores a message, or one for each endpoint of a URL group, and responds after the commit.
pub(crate) async fn publish_message(
    FromState(state): FromState<Arc<State>>,
    caller: CallerAddress,
    request: Request,
) -> Result<Response, ApiError> {
    // The extractors of URI and headers would copy them.
    let (parts, body) = request.into_parts();
    let destination = parts.uri.path().strip_prefix("/v2/publish/").unwrap_or_default();
    let (query, headers) = (parts.uri.query(), &parts.headers);
    publish(&state, PublishRequest { destination, query, headers, body, queue: None, caller }).await
}

/// The parts of a publish request.
pub(crate) struct PublishRequest<'a> {
    pub(crate) destination: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Body,
    pub(crate) queue: Option<String>,
    pub(crate) caller: CallerAddress,
}

/// Publishes. Returns 200 if a message was stored, 202 if all messages are duplicates.
pub(crate) async fn publish(state: &State, request: PublishRequest<'_>) -> Result<Response, ApiError> {
    publish_once(state, request).await.map_err(ApiError::of_publish)
}

async fn publish_once(state: &State, request: PublishRequest<'_>) -> Result<Response, ApiError> {
    let PublishRequest { destination, query, headers, body, queue, caller } = request;
    let recipients = recipients(state, Destination::from_raw(destination, query)?).await?;
    let params = match &recipients {
        Recipients::Url(_) => Params::from_request(headers, query)?,
        Recipients::Group(group) => Params::from_request_to_group(headers, query, &group.defaults)?,
    };
    let mut options = Options::parse(&params, &state.limits, Timestamp::now())?;
    let warnings = Warnings::of(&params);
    check_callback_addresses(&state.address_policy, &options)?;
    options.queue_name = queue.or(options.queue_name);
    state.rejected(wanted(&options)).await.check(&state.limits, wanted(&options))?;
    let Received { bytes: body, share } =
        state.bodies.read(headers, body, Bound::bytes(state.limits.max_body_bytes)).await?;

    let caller_ip = caller.0.map(|address| address.to_string());
    let publication = Publication { recipients, options, body, caller_ip, schedule_id: None };
    let published = publication.publish(&state.intake, &state.deduplicating, Some(share)).await?;
    let status = if published.is_duplicate() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, warnings, Json(published)).into_response())
}

/// Returns the recipients: a URL that the limits and the address policy allow, or an existing URL group.
pub(crate) async fn recipients(state: &State, target: Target) -> Result<Recipients, ApiError> {
    match target {
        Target::Url(destination) => {
            state.limits.check_destination(&destination)?;
            check_address(&state.address_policy, &destination)?;
            Ok(Recipients::Url(destination))
        }
        Target::Group(name) => {
            let group = url_groups::find(&mut *state.database.connection().await?, &name).await?;
            group.map(|group| Recipients::Group(Arc::new(group))).ok_or_else(|| unknown_group(&name))
        }
    }
}

/// In the words of the real service, which the Go SDK's tests compare.
pub(crate) fn unknown_group(name: &str) -> ApiError {
    ApiError::not_found(format!("topic {name} not found"))
}

/// Rejects URLs whose literal address the dispatcher would reject at every attempt.
pub(crate) fn check_address(policy: &AddressPolicy, url: &Destination) -> Result<(), ApiError> {
    policy.check_url(url.url()).map_err(|rejected| Invalid::verbatim("destination", rejected.to_string()).into())
}

/// Checks the addresses of callbacks.
pub(crate) fn check_callback_addresses(policy: &AddressPolicy, options: &Options) -> Result<(), ApiError> {
    let callbacks = [("Upstash-Callback", &options.callback), ("Upstash-Failure-Callback", &options.failure_callback)];
    callbacks.into_iter().filter_map(|(field, callback)| Some((field, callback.as_ref()?))).try_for_each(
        |(field, callback)| {
            let checked = policy.check_url(callback.url.url());
            checked.map_err(|rejected| Invalid::new(field, rejected.to_string()).into())
        },
    )
}
