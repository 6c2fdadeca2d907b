//! Room in flight for the messages of a claim, and its limits.

use std::sync::Arc;
use std::time::Duration;

use sigpost_store::accept::LeaseTerms;
use sigpost_store::claim::Bound;
use sigpost_store::destination::Destination;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::Dispatcher;
use super::large_bodies::Portion;
use super::shares::Plan;
use crate::budget::SMALL;

/// Maximum number of messages in one claim.
const BATCH: usize = 256;
/// How long to wait for more room when there is little.
const GATHER: Duration = Duration::from_millis(5);
/// The same if messages in flight take all the room.
const GATHER_IF_BOUND_BY_ROOM: Duration = Duration::from_millis(1);

/// The next claim: its limits, and the room that it may use.
pub(super) struct Batch {
    pub(super) terms: LeaseTerms,
    pub(super) bound: Bound,
    /// Destinations that used up their share.
    pub(super) without: Vec<Destination>,
    pub(super) room: OwnedSemaphorePermit,
    pub(super) bodies: Portion,
    /// When the claim is requested.
    pub(super) asked: Instant,
}

/// Waits for the room of a claim, and plans it. `None` if nothing more is claimed.
pub(super) async fn next_batch(dispatcher: &Dispatcher) -> Option<Batch> {
    let inner = &dispatcher.0;
    let mut room = room_for_a_batch(dispatcher).await?;
    let Plan { messages, without } = inner.shares.plan(room.num_permits());
    drop(room.split(room.num_permits() - messages));
    let bodies = inner.large_bodies.reserve();
    Some(Batch {
        terms: LeaseTerms { token: Uuid::now_v7(), length: inner.settings.lease },
        bound: Bound { messages, small: SMALL, bytes: bodies.bytes() },
        without,
        room,
        bodies,
        asked: Instant::now(),
    })
}

/// Waits for room, and up to [`GATHER`] for a larger batch.
async fn room_for_a_batch(dispatcher: &Dispatcher) -> Option<OwnedSemaphorePermit> {
    let inner = &dispatcher.0;
    let first = Arc::clone(&inner.room).acquire_owned();
    let mut room = tokio::select! {
        () = inner.stopping.cancelled() => return None,
        () = sleep_until(dispatcher.claims_until()) => return None,
        room = first => room.ok()?,
    };
    let batch = BATCH.min(inner.settings.max_in_flight);
    if inner.room.available_permits() + 1 < batch / 2 {
        let more = u32::try_from(batch / 2 - 1).unwrap_or(0);
        let gather = if dispatcher.is_bound_by_room() { GATHER_IF_BOUND_BY_ROOM } else { GATHER };
        if let Ok(Ok(more)) = timeout(gather, Arc::clone(&inner.room).acquire_many_owned(more)).await {
            room.merge(more);
        }
    }
    let free = inner.room.available_permits().min(batch - room.num_permits());
    if let Ok(more) = Arc::clone(&inner.room).try_acquire_many_owned(u32::try_from(free).unwrap_or(0)) {
        room.merge(more);
    }
    Some(room)
}
