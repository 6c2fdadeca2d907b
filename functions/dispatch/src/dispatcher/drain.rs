//! Serves wake-ups: claims and delivers until nothing is due.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sigpost_store::claim::{Claimed, claim};
use sigpost_store::wake::{Snapshot, snapshot};
use sigpost_store::{AsyncPgConnection, Error, WakeUps};
use tokio::time::{sleep, sleep_until};

use super::limits::AtLimits;
use super::room::{Batch, next_batch};
use super::shares::LEFT_OUT;
use super::wake_ups::Wanted;
use super::{Awake, Dispatcher};

/// The delay of the next query if other transactions have locked the due messages.
const CONTENDED: Duration = Duration::from_millis(50);
/// The delay of the next query for small messages while due large messages have no room.
const CROWDED: Duration = Duration::from_millis(250);
/// The pause after a failed query, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Serves wake-ups at their times. Ends when the dispatcher stops; in a visit also at the end of claiming, or when nothing
/// is in flight and no wake-up is due before that.
pub(super) async fn serve_wake_ups(dispatcher: Dispatcher) {
    let inner = &dispatcher.0;
    let mut pause = FIRST_PAUSE;
    loop {
        let next = inner.timers.next();
        let claims_until = dispatcher.claims_until();
        tokio::select! {
            // In this order, because a delivery sets its wake-ups before it releases its room.
            biased;
            () = inner.stopping.cancelled() => return,
            () = sleep_until(claims_until) => return,
            () = inner.timers.earlier() => {}
            freed = inner.large_bodies.freed() => dispatcher.wake(freed),
            () = inner.shares.freed() => dispatcher.wake(WakeUps::due_now()),
            () = sleep_until(next) => {}
            () = dispatcher.nothing_in_flight(), if next > claims_until => return,
        }
        match serve_due_wake_ups(&dispatcher).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                dispatcher.saw(&error);
                // Taken wake-ups that were not served are repeated.
                dispatcher.wake_everything();
                tracing::warn!(%error, pause_ms = pause.as_millis(), "claiming due messages failed");
                tokio::select! {
                    () = inner.stopping.cancelled() => return,
                    () = sleep_until(claims_until) => return,
                    () = sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn serve_due_wake_ups(dispatcher: &Dispatcher) -> Result<(), Error> {
    while let Some(Wanted { limits, due, rescan }) = dispatcher.0.timers.take() {
        let mut room = dispatcher.claim_at_limits(limits).await?;
        if due {
            room = query_due(dispatcher, rescan).await?;
        }
        if room == AtLimits::NoRoom {
            return Ok(());
        }
    }
    Ok(())
}

/// Queries and claims due messages, and sets the next wake-up. One statement if nothing is due.
async fn query_due(dispatcher: &Dispatcher, rescan: bool) -> Result<AtLimits, Error> {
    let inner = &dispatcher.0;
    let mut conn = inner.database.connection().await?;
    let seen = dispatcher.snapshot(&mut conn).await?;
    dispatcher.rescan_limits(&mut conn, &seen, rescan).await?;
    drop(conn);
    // A separate loop fires schedules. Wakes it in case it missed the notification of a change.
    if seen.schedule_due_for.is_some() {
        inner.schedules_changed.notify_one();
    }
    let next_due = match inner.settings.awake {
        Awake::Always => seen.next_due_in,
        // Ignores the leases of other dispatchers: the dispatcher that is running then claims expired ones.
        Awake::InVisits => seen.next_due_in.filter(Duration::is_zero).or_else(|| seen.next_pending_in?.try_into().ok()),
    };
    let next_due = match next_due {
        Some(Duration::ZERO) => match claim_due(dispatcher).await? {
            Due::Claimed => Some(Duration::ZERO),
            Due::HeldByOthers => Some(CONTENDED),
            Due::TooLarge => Some(CROWDED),
            Due::LeftOut { took } => Some(LEFT_OUT.max(took * 4)),
            Due::NoRoom => {
                dispatcher.wake(WakeUps::due_now());
                return Ok(AtLimits::NoRoom);
            }
        },
        next_due => next_due,
    };
    dispatcher.wake(WakeUps { due_in: next_due, ..WakeUps::default() });
    Ok(AtLimits::Claimed)
}

impl Dispatcher {
    /// Reads a snapshot of the pending messages, and applies the signing keys, which may have been rotated.
    pub(super) async fn snapshot(&self, conn: &mut AsyncPgConnection) -> Result<Snapshot, Error> {
        Ok(self.take_over(snapshot(conn).await?))
    }

    /// Applies the keys of a snapshot.
    pub(super) fn take_over(&self, mut seen: Snapshot) -> Snapshot {
        if let Some(keys) = seen.signing_keys.take() {
            self.0.keys.replace(keys);
        }
        self.0.open.store(seen.is_anything_open(), Ordering::Relaxed);
        seen
    }
}

/// The result of claiming all due messages.
enum Due {
    /// All due messages were claimed.
    Claimed,
    /// Other transactions have locked the due messages.
    HeldByOthers,
    /// Only small messages were claimed: large bodies in flight use the whole memory budget.
    TooLarge,
    /// Destinations that used up their share were skipped. The query took this time, because it scans their messages.
    LeftOut { took: Duration },
    /// The dispatcher stops, or the visit claims no more.
    NoRoom,
}

/// Claims due messages and starts their deliveries until no more are due.
async fn claim_due(dispatcher: &Dispatcher) -> Result<Due, Error> {
    let inner = &dispatcher.0;
    let mut contended = true;
    let mut outcomes_first = inner.outcomes_first.subscribe();
    loop {
        tokio::select! {
            () = inner.stopping.cancelled() => return Ok(Due::NoRoom),
            () = sleep_until(dispatcher.claims_until()) => return Ok(Due::NoRoom),
            _ = outcomes_first.wait_for(|first| !first) => {}
        }
        let Some(batch) = next_batch(dispatcher).await else { return Ok(Due::NoRoom) };
        let Batch { terms, bound, without, room, bodies, asked } = batch;
        let mut conn = inner.database.connection().await?;
        let claimed = claim(&mut conn, terms, bound, dispatcher.claims_expired(), &without).await?;
        let took = asked.elapsed();
        conn.done_with(claimed.body_bytes());
        let Claimed { leases, wake_ups, postponed, .. } = claimed;
        let fewer = leases.len() < bound.messages && wake_ups.is_empty() && postponed.is_empty();
        contended &= leases.is_empty() && wake_ups.is_empty();
        dispatcher.push_all(leases, asked, room, bodies);
        dispatcher.wake(wake_ups);
        let no_large_ones = bound.bytes == 0;
        if no_large_ones {
            // The query did not include large messages.
            dispatcher.wake(inner.large_bodies.postpone(WakeUps::due_now()));
        }
        // A long backlog must not delay messages that limits no longer block.
        if dispatcher.claim_at_due_limits().await? == AtLimits::NoRoom {
            return Ok(Due::NoRoom);
        }
        if fewer && !without.is_empty() {
            if inner.shares.grant(&without) {
                continue;
            }
            return Ok(Due::LeftOut { took });
        }
        if fewer {
            return Ok(match (no_large_ones, contended) {
                (true, _) => Due::TooLarge,
                (false, true) => Due::HeldByOthers,
                (false, false) => Due::Claimed,
            });
        }
    }
}
