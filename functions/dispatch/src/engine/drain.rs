//! Drain: claim and push until nothing is due. And the loop that decides when.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sigpost_store::accept::LeaseTerms;
use sigpost_store::claim::{Claimed, claim};
use sigpost_store::wake::{Glance, glance};
use sigpost_store::{AsyncPgConnection, Error};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::{Awake, Engine};

/// Messages in one claim at most.
const BATCH: usize = 256;
/// How long to wait for a worthwhile batch of room when there is only a little.
const GATHER: Duration = Duration::from_millis(2);
/// After a look that found something due but could not have it (others hold it at this moment).
const CONTENDED: Duration = Duration::from_millis(50);
/// The pause after a failed look, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Looks when something is due, when told to, and every poll interval. Ends when the engine stops; in
/// a visit when it claims no more, and before that when nothing is in flight and nothing comes in time.
pub(super) async fn look_when_due(engine: Engine) {
    let inner = &engine.0;
    let mut pause = FIRST_PAUSE;
    loop {
        let look_at = *engine.next_look();
        let claims_until = engine.claims_until();
        tokio::select! {
            // In this order: what ends says when to look again before it gives its room back.
            biased;
            () = inner.stopping.cancelled() => return,
            () = sleep_until(claims_until) => return,
            () = inner.earlier.notified() => {}
            () = sleep_until(look_at) => {}
            () = engine.nothing_in_flight(), if look_at > claims_until => return,
        }
        match look_at_what_is_asked_for(&engine).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "due messages cannot be claimed");
                tokio::select! {
                    () = inner.stopping.cancelled() => return,
                    () = sleep_until(claims_until) => return,
                    () = sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                engine.look_in(Duration::ZERO);
            }
        }
    }
}

/// The gates that were named, and everything else if it is time for that.
async fn look_at_what_is_asked_for(engine: &Engine) -> Result<(), Error> {
    engine.admit_at_named_gates().await?;
    {
        let mut next_look = engine.next_look();
        if *next_look > Instant::now() {
            return Ok(());
        }
        // From here on a call of `look_in` counts for the look after this one.
        *next_look = Instant::now() + engine.0.settings.poll;
    }
    if let Some(next) = look(engine).await? {
        engine.look_in(next);
    }
    Ok(())
}

/// Looks until nothing is left to do: those who wait at gates that were named, all gates if it is
/// time for that, what is due. One statement when there is nothing. Returns how long until there will be.
async fn look(engine: &Engine) -> Result<Option<Duration>, Error> {
    let inner = &engine.0;
    loop {
        engine.admit_at_named_gates().await?;
        let mut conn = inner.database.connection().await?;
        let seen = engine.glance(&mut conn).await?;
        let next_sweep = engine.sweep_gates(&mut conn, &seen).await?;
        drop(conn);
        // The net below the notification of a change: schedules are fired by a loop of their own.
        if seen.schedule_due_for.is_some() {
            inner.schedules_changed.notify_one();
        }
        let mut next_due = match inner.settings.awake {
            Awake::Always => seen.next_due_in,
            // Not for the end of leases that somebody else holds: those are looked for by whoever is
            // awake when they have ended.
            Awake::InVisits => {
                seen.next_due_in.filter(Duration::is_zero).or_else(|| seen.next_pending_in?.try_into().ok())
            }
        };
        if next_due == Some(Duration::ZERO) {
            next_due = match claim_due(engine).await? {
                Due::Claimed => Some(Duration::ZERO),
                Due::HeldByOthers => Some(CONTENDED),
                Due::NoRoom => return Ok(None),
            };
        }
        let next = next_due.into_iter().chain(next_sweep).min();
        if next != Some(Duration::ZERO) && !engine.gates_are_named() {
            return Ok(next);
        }
    }
}

impl Engine {
    /// Looks, without taking anything but the deployment's keys, which somebody may have rotated.
    pub(super) async fn glance(&self, conn: &mut AsyncPgConnection) -> Result<Glance, Error> {
        Ok(self.take_over(glance(conn).await?))
    }

    /// What has to be done with whatever a look has seen.
    pub(super) fn take_over(&self, mut seen: Glance) -> Glance {
        if let Some(keys) = seen.signing_keys.take() {
            self.0.keys.replace(keys);
        }
        self.0.open.store(seen.is_anything_open(), Ordering::Relaxed);
        seen
    }
}

/// What a claim of everything due came to.
enum Due {
    /// Everything that was due was taken.
    Claimed,
    /// Others hold what is due at this moment.
    HeldByOthers,
    /// The engine stops, or claims no more in this visit.
    NoRoom,
}

/// The one step function of delivery: leases and pushes until nothing more is due.
async fn claim_due(engine: &Engine) -> Result<Due, Error> {
    let inner = &engine.0;
    let mut contended = true;
    loop {
        let Some(room) = room_for_a_batch(engine).await else { return Ok(Due::NoRoom) };
        let terms = LeaseTerms { token: Uuid::now_v7(), length: inner.settings.lease };
        let wanted = room.num_permits();
        let Claimed { leases, waiting_at, .. } = claim(&mut *inner.database.connection().await?, terms, wanted).await?;
        let fewer = leases.len() < wanted && waiting_at.is_empty();
        contended &= leases.is_empty() && waiting_at.is_empty();
        engine.push_all(leases, room);
        engine.look_at_gates(waiting_at);
        if fewer {
            return Ok(if contended { Due::HeldByOthers } else { Due::Claimed });
        }
    }
}

/// Waits for room, and a moment longer for a batch that is worth a statement. `None` when nothing more is claimed.
pub(super) async fn room_for_a_batch(engine: &Engine) -> Option<OwnedSemaphorePermit> {
    let inner = &engine.0;
    let first = Arc::clone(&inner.room).acquire_owned();
    let mut room = tokio::select! {
        () = inner.stopping.cancelled() => return None,
        () = sleep_until(engine.claims_until()) => return None,
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
