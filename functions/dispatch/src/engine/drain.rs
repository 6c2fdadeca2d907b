//! Drain: claim and push until nothing is due. And the loop that decides when.

use std::sync::Arc;
use std::time::Duration;

use sigpost_store::Error;
use sigpost_store::accept::LeaseTerms;
use sigpost_store::claim::claim;
use sigpost_store::wake::glance;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::{Engine, Room};

/// Messages in one claim at most.
const BATCH: usize = 256;
/// How long to wait for a worthwhile batch of room when there is only a little.
const GATHER: Duration = Duration::from_millis(2);
/// After a look that found something due but could not have it (others hold it at this moment).
const CONTENDED: Duration = Duration::from_millis(50);
/// The pause after a failed look, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Looks when something is due, when told to, and every poll interval. Ends when the engine stops.
pub(super) async fn look_when_due(engine: Engine) {
    let inner = &engine.0;
    let mut pause = FIRST_PAUSE;
    loop {
        let look_at = *inner.next_look.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tokio::select! {
            () = inner.stopping.cancelled() => return,
            () = inner.earlier.notified() => continue,
            () = sleep_until(look_at) => {}
        }
        // From here on a call of `look_in` counts for the look after this one.
        *inner.next_look.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Instant::now() + inner.settings.poll;
        match look(&engine).await {
            Ok(Some(next_due_in)) => {
                pause = FIRST_PAUSE;
                engine.look_in(next_due_in);
            }
            Ok(None) => pause = FIRST_PAUSE,
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "due messages cannot be claimed");
                tokio::select! {
                    () = inner.stopping.cancelled() => return,
                    () = sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                engine.look_in(Duration::ZERO);
            }
        }
    }
}

/// One statement when nothing is due. Returns how long until something will be.
async fn look(engine: &Engine) -> Result<Option<Duration>, Error> {
    let inner = &engine.0;
    let seen = glance(&mut *inner.database.connection().await?).await?;
    if let Some(keys) = seen.signing_keys {
        inner.keys.replace(keys);
    }
    match seen.next_due_in {
        Some(Duration::ZERO) => drain(engine).await,
        later => Ok(later),
    }
}

/// The one step function of delivery: leases and pushes until nothing more is due. Returns how long
/// until something will be.
pub(super) async fn drain(engine: &Engine) -> Result<Option<Duration>, Error> {
    let inner = &engine.0;
    let mut contended = true;
    loop {
        let Some(mut room) = room_for_a_batch(engine).await else { return Ok(None) };
        let terms = LeaseTerms { token: Uuid::now_v7(), length: inner.settings.lease };
        let wanted = room.num_permits();
        let leases = claim(&mut *inner.database.connection().await?, terms, wanted).await?;
        let fewer = leases.len() < wanted;
        contended &= leases.is_empty();
        for lease in leases {
            let Some(permit) = room.split(1) else { break };
            engine.push(lease, Room { _permit: permit });
        }
        if fewer {
            drop(room);
            let seen = glance(&mut *inner.database.connection().await?).await?;
            return Ok(seen.next_due_in.map(|next| if contended { next.max(CONTENDED) } else { next }));
        }
    }
}

/// Waits for room, and a moment longer for a batch that is worth a statement. `None` when stopping.
async fn room_for_a_batch(engine: &Engine) -> Option<OwnedSemaphorePermit> {
    let inner = &engine.0;
    let first = Arc::clone(&inner.room).acquire_owned();
    let mut room = tokio::select! {
        () = inner.stopping.cancelled() => return None,
        room = first => room.ok()?,
    };
    let batch = BATCH.min(inner.settings.max_in_flight);
    if inner.room.available_permits() + 1 < batch / 2 {
        let more = u32::try_from(batch / 2 - 1).unwrap_or(0);
        if let Ok(Ok(more)) = timeout(GATHER, Arc::clone(&inner.room).acquire_many_owned(more)).await {
            room.merge(more);
        }
    }
    let free = inner.room.available_permits().min(batch - room.num_permits());
    if let Ok(more) = Arc::clone(&inner.room).try_acquire_many_owned(u32::try_from(free).unwrap_or(0)) {
        room.merge(more);
    }
    Some(room)
}
