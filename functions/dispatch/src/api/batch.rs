//! `POST /v2/batch`: many independent publishes in one request.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::HeaderMap;
use jiff::Timestamp;
use sigpost_qstash::{BatchItem, BatchSlot, Destination, ErrorCode, Invalid, Options, Params, Published, Target};
use sigpost_runtime::{ApiError, CallerAddress};
use sigpost_store::url_groups::{self, UrlGroup};

use crate::api::body::{Bound, Received};
use crate::api::publish::{check_address, check_callback_addresses, unknown_group};
use crate::api::quota::wanted;
use crate::api::warnings::Warnings;
use crate::budget::Share;
use crate::publication::{Publication, Recipients};
use crate::state::State;

/// Memory budget per byte of a batch: its items and their messages are each larger than their JSON.
const COST: usize = 4;

/// Stores the messages of all valid items in their order, and returns a result per item. Rejects the request only if no
/// item is valid.
pub(crate) async fn publish_batch(
    FromState(state): FromState<Arc<State>>,
    caller: CallerAddress,
    headers: HeaderMap,
    request_body: Body,
) -> Result<(Warnings, Json<Vec<BatchSlot>>), ApiError> {
    let bound = Bound { limit: state.limits.max_batch_bytes, cost: COST };
    let Received { bytes, share } = state.bodies.read(&headers, request_body, bound).await?;
    let items = BatchItem::parse_all(&bytes)?;
    check_size(&state, items.len())?;
    let items: Vec<_> = items.collect();
    drop(bytes);
    let groups = groups_of(&state, &items).await.map_err(ApiError::of_publish)?;
    let caller_ip = caller.0.map(|address| address.to_string());
    let now = Timestamp::now();
    let mut warnings = Warnings::default();
    let publications: Vec<Result<Publication, ApiError>> =
        items.into_iter().map(|item| read(&state, item?, &groups, &caller_ip, now, &mut warnings)).collect();
    let publications = reject_over_quota(&state, publications).await;
    reject_if_none_is_valid(&publications)?;
    check_size(&state, publications.iter().flatten().map(Publication::len).sum())?;
    Ok((warnings, store(&state, publications, share).await?))
}

/// Returns the URL groups of the items by name, with at most one query.
async fn groups_of(
    state: &State,
    items: &[Result<BatchItem, Invalid>],
) -> Result<HashMap<String, Arc<UrlGroup>>, ApiError> {
    let targets = items.iter().flatten().map(|item| Destination::from_raw(&item.destination, None));
    let names: Vec<String> = targets
        .filter_map(|target| match target {
            Ok(Target::Group(name)) => Some(name),
            _ => None,
        })
        .collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let names = names.iter().map(String::as_str).collect();
    let found = url_groups::find_many(&mut *state.database.connection().await?, names).await?;
    Ok(found.into_iter().map(|group| (group.name.clone(), Arc::new(group))).collect())
}

/// Converts an item to a publication with the checks of a publish.
fn read(
    state: &State,
    item: BatchItem,
    groups: &HashMap<String, Arc<UrlGroup>>,
    caller_ip: &Option<String>,
    now: Timestamp,
    warnings: &mut Warnings,
) -> Result<Publication, ApiError> {
    let (recipients, params) = match Destination::from_raw(&item.destination, None)? {
        Target::Url(destination) => {
            state.limits.check_destination(&destination)?;
            check_address(&state.address_policy, &destination)?;
            (Recipients::Url(destination), Params::from_pairs(item.pairs())?)
        }
        Target::Group(name) => {
            let group = groups.get(&name).ok_or_else(|| unknown_group(&name))?;
            (Recipients::Group(Arc::clone(group)), Params::from_pairs_to_group(item.pairs(), &group.defaults)?)
        }
    };
    let mut options = Options::parse(&params, &state.limits, now)?;
    warnings.add(&params);
    check_callback_addresses(&state.address_policy, &options)?;
    options.queue_name = item.queue.or(options.queue_name);
    state.limits.check_body(item.body.len())?;
    Ok(Publication { recipients, options, body: item.body.into(), caller_ip: caller_ip.clone(), schedule_id: None })
}

async fn reject_over_quota(
    state: &State,
    publications: Vec<Result<Publication, ApiError>>,
) -> Vec<Result<Publication, ApiError>> {
    let all: Vec<String> = publications.iter().flatten().flat_map(|publication| wanted(&publication.options)).collect();
    let rejected = state.rejected(all.into_iter()).await;
    let check =
        |publication: Publication| rejected.check(&state.limits, wanted(&publication.options)).map(|()| publication);
    publications.into_iter().map(|publication| publication.and_then(check)).collect()
}

/// Rejects a batch without a valid item: the Python SDK expects a message ID in every slot, but handles an error status.
fn reject_if_none_is_valid(publications: &[Result<Publication, ApiError>]) -> Result<(), ApiError> {
    match publications.first() {
        Some(Err(first)) if publications.iter().all(Result::is_err) => {
            let text = format!("no item of the batch is valid; the first: {}", first.text());
            Err(ApiError::new(ErrorCode::InvalidBody, text))
        }
        _ => Ok(()),
    }
}

/// Limits the number of messages: all of them are in memory until they are stored.
fn check_size(state: &State, messages: usize) -> Result<(), ApiError> {
    let most = state.limits.max_batch_messages;
    if messages > most {
        let reason = format!("body: the batch has {messages} messages, and the limit is {most}; split it");
        return Err(ApiError::new(ErrorCode::InvalidBody, reason));
    }
    Ok(())
}

/// Sends all messages to the intake before the first commit ends, so that they share commits.
async fn store(
    state: &State,
    publications: Vec<Result<Publication, ApiError>>,
    share: Share,
) -> Result<Json<Vec<BatchSlot>>, ApiError> {
    let messages: Vec<_> =
        publications.iter().flatten().flat_map(|publication| publication.messages(&state.deduplicating)).collect();
    let ids: Vec<_> = messages.iter().map(|new| new.message.id).collect();
    let mut results = state.intake.accept_all(messages, Some(share)).await.into_iter();
    let mut ids = ids.as_slice();
    let answered: Vec<Result<Published, ApiError>> = publications
        .into_iter()
        .map(|publication| {
            let publication = publication?;
            let (own, others) = ids.split_at(publication.len().min(ids.len()));
            ids = others;
            publication.answer(own, &mut results).map_err(|error| ApiError::from(error).of_publish())
        })
        .collect();
    // If the database is unavailable, the response is 503 instead of an error per item.
    if !answered.is_empty() && answered.iter().all(Result::is_err) {
        let fault = answered.into_iter().flat_map(Result::err).find(|error| error.status().is_server_error());
        return Err(fault.unwrap_or_else(|| ApiError::new(ErrorCode::InvalidBody, "no item of the batch is valid")));
    }
    let slot = |answer: Result<Published, ApiError>| match answer {
        Ok(published) => BatchSlot::Published(published),
        Err(error) => BatchSlot::Rejected(error.into_body()),
    };
    Ok(Json(answered.into_iter().map(slot).collect()))
}
