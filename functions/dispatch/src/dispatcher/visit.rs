//! Visits: delivery by a process that is frozen between invocations.
//!
//! A visit registers as a dispatcher unless one with free capacity is running. It claims and delivers until nothing is in
//! flight and nothing becomes due in time, and then unregisters. It claims only what it can finish before its deadline;
//! deliveries that take longer are released.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::SignedDuration;
use sigpost_store::dispatchers::{ALIVE, beat, enter, leave};
use sigpost_store::wake::snapshot_and_sample;
use sigpost_store::{Error, WakeUps};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::{Dispatcher, LAST_WRITES, drain, in_flight, listen};

/// Time reserved for the last writes of a visit, with a margin for the clock.
const RESERVE: Duration = Duration::from_secs(2);
/// After this time, a visit opens a connection for notifications of other processes.
const WORTH_LISTENING: Duration = Duration::from_millis(250);

/// The interval of the deployment's ticks.
const TICK: SignedDuration = SignedDuration::from_mins(1);

/// The time budget of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    /// How long the visit claims messages.
    claims: Duration,
    /// Maximum duration of an attempt, so that the last claimed one can end.
    attempt: Duration,
}

/// Divides the remaining time of an invocation, where an attempt may take `longest`. The visit claims until only the time
/// of the longest attempt is left, but at least for a fifteenth of the time (one of Lambda's 15 minutes, which contains the
/// next tick). The timeout of attempts is reduced to the rest.
fn divide(left: Duration, longest: Duration) -> Times {
    let usable = left.saturating_sub(RESERVE);
    let attempt = longest.min(usable - usable / 15);
    Times { claims: usable - attempt, attempt }
}

/// The result of a tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    /// Whether the following visit has work.
    pub(crate) due: bool,
    /// Age of the oldest due message.
    pub(crate) oldest: Duration,
    /// How long a schedule has been due, if one is.
    pub(crate) schedule_due_for: Option<Duration>,
}

impl Dispatcher {
    /// Checks whether messages become due before the next tick, and if so wakes the following visit. One statement, which
    /// also samples the queue.
    pub(crate) async fn tick(&self) -> Result<Tick, Error> {
        let seen = self.take_over(snapshot_and_sample(&mut *self.0.database.connection().await?).await?);
        let due_in = seen.next_pending_in;
        let due = seen.next_due_in == Some(Duration::ZERO)
            || due_in.is_some_and(|due_in| due_in < TICK)
            || seen.is_any_blocked;
        if due {
            self.wake_everything();
        } else {
            self.0.timers.clear();
        }
        let oldest = due_in.and_then(|due_in| Duration::try_from(-due_in).ok()).unwrap_or_default();
        Ok(Tick { due, oldest, schedule_due_for: seen.schedule_due_for })
    }

    /// Delivers until there is no more work or `deadline` is near. Sends no statement if no wake-up is due.
    ///
    /// # Errors
    ///
    /// The database is unavailable. The next visit claims due messages.
    pub(crate) async fn visit(&self, deadline: Instant) -> Result<(), Error> {
        let inner = &self.0;
        let times = divide(deadline.saturating_duration_since(Instant::now()), inner.settings.longest_attempt);
        let claims_until = Instant::now() + times.claims;
        *inner.claims_until.lock().unwrap_or_else(PoisonError::into_inner) = claims_until;
        inner.sender.bound_attempts(times.attempt);

        let turns = self.take_turns(claims_until).await;
        // Also after an error: nothing may be in flight when the process is frozen.
        self.finish(deadline).await;
        self.emit_counts();
        // The last deliveries may have let messages start.
        if turns.is_ok() && self.0.timers.next() <= Instant::now() {
            self.start_another().await;
        }
        turns
    }

    /// Registers as a dispatcher and delivers as long as wake-ups are due in time.
    async fn take_turns(&self, claims_until: Instant) -> Result<(), Error> {
        let inner = &self.0;
        let visitor = Uuid::now_v7();
        let is_over = || inner.stopping.is_cancelled() || Instant::now() >= claims_until;
        while inner.timers.next() <= claims_until && !is_over() {
            let most = inner.settings.max_dispatchers;
            if !enter(&mut *inner.database.connection().await?, visitor, self.room_left(), most).await? {
                // The running dispatcher was notified of accepted messages.
                inner.timers.clear();
                break;
            }
            self.look_and_push(visitor).await;
            let mut conn = inner.database.connection().await?;
            leave(&mut conn, visitor).await?;
            // Messages that other processes left to this dispatcher before it unregistered.
            if self.snapshot(&mut conn).await?.next_due_in == Some(Duration::ZERO) {
                self.wake(WakeUps::due_now());
                if is_over() {
                    drop(conn);
                    self.start_another().await;
                }
            }
        }
        Ok(())
    }

    /// Serves wake-ups, renews leases, listens and sends heartbeats until the visit ends.
    async fn look_and_push(&self, visitor: Uuid) {
        let listening = async {
            sleep(WORTH_LISTENING).await;
            listen::listen(self.clone()).await;
        };
        let beating = async {
            let mut beats = interval(ALIVE / 3);
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            beats.tick().await;
            loop {
                beats.tick().await;
                if let Err(error) = self.beat(visitor).await {
                    tracing::warn!(%error, "sending a heartbeat failed");
                }
            }
        };
        tokio::select! {
            () = drain::serve_wake_ups(self.clone()) => {}
            () = in_flight::renew_leases(self.clone()) => {}
            () = listening => {}
            () = beating => {}
        }
    }

    async fn beat(&self, visitor: Uuid) -> Result<(), Error> {
        let inner = &self.0;
        let mut conn = inner.database.connection().await?;
        let others = beat(&mut conn, visitor, self.room_left()).await?;
        if self.room_left() > 0 || others + 1 >= inner.settings.max_dispatchers {
            return Ok(());
        }
        // The capacity is used up, and more messages may be due.
        let due = self.snapshot(&mut conn).await?.next_pending_in.is_some_and(|due_in| !due_in.is_positive());
        drop(conn);
        if due {
            self.start_another().await;
        }
        Ok(())
    }

    /// Starts another environment for the remaining messages. If that fails, the next tick handles them.
    async fn start_another(&self) {
        if let Some(further) = &self.0.settings.further
            && let Err(error) = further.another().await
        {
            tracing::warn!(error = format!("{error:#}"), "starting a further dispatcher failed");
        }
    }

    /// Waits for deliveries in flight, and releases those that take too long.
    async fn finish(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now()).saturating_sub(RESERVE);
        let ended = async {
            tokio::select! {
                () = in_flight::renew_leases(self.clone()) => false,
                ended = self.all_recorded_within(left) => ended,
            }
        };
        if !ended.await {
            self.give_back_all().await;
            self.all_recorded_within(RESERVE.min(LAST_WRITES)).await;
        }
    }

    fn room_left(&self) -> usize {
        self.0.room.available_permits()
    }

    /// Returns the end of claiming.
    pub(super) fn claims_until(&self) -> Instant {
        *self.0.claims_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(left: u64, longest: u64) -> (u64, u64) {
        let times = divide(Duration::from_secs(left), Duration::from_secs(longest));
        (times.claims.as_secs(), times.attempt.as_secs())
    }

    #[test]
    fn what_is_claimed_last_can_still_end() {
        for (left, longest) in [(900, 7200), (900, 840), (900, 60), (60, 7200), (3, 7200), (1, 1), (0, 5)] {
            let times = divide(Duration::from_secs(left), Duration::from_secs(longest));
            assert!(
                times.claims + times.attempt + RESERVE <= Duration::from_secs(left).max(RESERVE),
                "{left} {longest}"
            );
        }
    }

    #[test]
    fn claims_end_before_the_longest_attempt_would() {
        assert_eq!(seconds(902, 7200), (60, 840));
        assert_eq!(seconds(902, 60), (840, 60));
        assert_eq!(seconds(32, 7200), (2, 28));
    }
}
