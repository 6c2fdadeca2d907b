//! Room in flight for the messages of a claim.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep_until, timeout};

use super::Dispatcher;

/// Maximum number of messages in one claim.
const BATCH: usize = 256;
/// How long to wait for more room when there is little.
const GATHER: Duration = Duration::from_millis(5);
/// The same if messages in flight take all the room.
const GATHER_IF_BOUND_BY_ROOM: Duration = Duration::from_millis(1);

/// Waits for room, and up to [`GATHER`] for a larger batch. `None` if nothing more is claimed.
pub(super) async fn room_for_a_batch(dispatcher: &Dispatcher) -> Option<OwnedSemaphorePermit> {
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
