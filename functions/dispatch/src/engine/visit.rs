//! A visit: delivery by a process that is frozen when it is not invoked.
//!
//! It becomes a dispatcher unless one with room is awake already, looks and pushes until nothing is in
//! flight and nothing comes due in time, and leaves. It claims only what it can finish before the end
//! of its time; if something goes on for longer all the same, that is given back.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::SignedDuration;
use sigpost_store::dispatchers::{ALIVE, beat, enter, leave};
use sigpost_store::wake::glance_and_sample;
use sigpost_store::{Error, WakeUps};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::{Engine, LAST_WRITES, drain, in_flight, listen};

/// What the last writes of a visit need at most, with a margin for the clock.
const RESERVE: Duration = Duration::from_secs(2);
/// After this a visit is long enough to be worth a connection that listens for what others leave to it.
const WORTH_LISTENING: Duration = Duration::from_millis(250);

/// How often the deployment's schedule invokes, whatever happens.
const TICK: SignedDuration = SignedDuration::from_mins(1);

/// How the time of an invocation is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    /// How long messages are claimed.
    claims: Duration,
    /// How long an attempt may take, so that the last one that is claimed can end.
    attempt: Duration,
}

/// For an invocation with so much time left, where an attempt may take `longest`. Claiming goes on
/// for as long as the longest attempt leaves time for it, and for a fifteenth of the time at least
/// (with Lambda's 15 minutes: one, in which the next tick comes); attempts are cut to what is left then.
fn divide(left: Duration, longest: Duration) -> Times {
    let usable = left.saturating_sub(RESERVE);
    let attempt = longest.min(usable - usable / 15);
    Times { claims: usable - attempt, attempt }
}

/// What a tick has seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    /// Whether the visit that follows has something to do.
    pub(crate) due: bool,
    /// For how long the pending message has been due that is due longest.
    pub(crate) oldest: Duration,
    /// For how long the time of a schedule has come.
    pub(crate) schedule_due_for: Option<Duration>,
}

impl Engine {
    /// Looks whether a visit has something to do before the next tick, and has it do so. One statement,
    /// which is this minute's sample of the queue as well. Returns what was seen, for what is no visit's business.
    pub(crate) async fn tick(&self) -> Result<Tick, Error> {
        let seen = self.take_over(glance_and_sample(&mut *self.0.database.connection().await?).await?);
        let due_in = seen.next_pending_in;
        let due = seen.next_due_in == Some(Duration::ZERO)
            || due_in.is_some_and(|due_in| due_in < TICK)
            || seen.anybody_waits;
        if due {
            self.wake_everything();
        } else {
            self.0.timers.clear();
        }
        let oldest = due_in.and_then(|due_in| Duration::try_from(-due_in).ok()).unwrap_or_default();
        Ok(Tick { due, oldest, schedule_due_for: seen.schedule_due_for })
    }

    /// Delivers until nothing is left to do or `deadline` is near. Asks the database nothing when
    /// nothing was accepted or opened here and no look is due.
    ///
    /// An error says that the database is away: what is due is found by the next visit.
    pub(crate) async fn visit(&self, deadline: Instant) -> Result<(), Error> {
        let inner = &self.0;
        let times = divide(deadline.saturating_duration_since(Instant::now()), inner.settings.longest_attempt);
        let claims_until = Instant::now() + times.claims;
        *inner.claims_until.lock().unwrap_or_else(PoisonError::into_inner) = claims_until;
        inner.sender.bound_attempts(times.attempt);

        let turns = self.take_turns(claims_until).await;
        // Whatever came of them: nothing may be in flight when the process is frozen.
        self.finish(deadline).await;
        self.emit_counts();
        // What the last deliveries let start.
        if turns.is_ok() && self.0.timers.next() <= Instant::now() {
            self.start_another().await;
        }
        turns
    }

    /// Is a dispatcher for as long as there is something to look for.
    async fn take_turns(&self, claims_until: Instant) -> Result<(), Error> {
        let inner = &self.0;
        let visitor = Uuid::now_v7();
        let is_over = || inner.stopping.is_cancelled() || Instant::now() >= claims_until;
        while inner.timers.next() <= claims_until && !is_over() {
            let most = inner.settings.max_dispatchers;
            if !enter(&mut *inner.database.connection().await?, visitor, self.room_left(), most).await? {
                // The dispatcher that is awake was notified of what was accepted.
                inner.timers.clear();
                break;
            }
            self.look_and_push(visitor).await;
            let mut conn = inner.database.connection().await?;
            leave(&mut conn, visitor).await?;
            // What was left to this one before it left.
            if self.glance(&mut conn).await?.next_due_in == Some(Duration::ZERO) {
                self.wake(WakeUps::due_now());
                if is_over() {
                    drop(conn);
                    self.start_another().await;
                }
            }
        }
        Ok(())
    }

    /// Looks, with everything that goes on beside it, until it is time to leave.
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
                    tracing::warn!(%error, "this dispatcher cannot say that it is awake");
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
        // Full, and perhaps more is due than this one can have.
        let due = self.glance(&mut conn).await?.next_pending_in.is_some_and(|due_in| !due_in.is_positive());
        drop(conn);
        if due {
            self.start_another().await;
        }
        Ok(())
    }

    /// Has another environment do what this one cannot. Without one the next tick finds it.
    async fn start_another(&self) {
        if let Some(further) = &self.0.settings.further
            && let Err(error) = further.another().await
        {
            tracing::warn!(error = format!("{error:#}"), "no further dispatcher could be started");
        }
    }

    /// Waits for what is in flight, and gives back what takes too long.
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

    /// Until when messages are claimed.
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
    fn claiming_goes_on_for_as_long_as_the_longest_attempt_lets_it() {
        assert_eq!(seconds(902, 7200), (60, 840));
        assert_eq!(seconds(902, 60), (840, 60));
        assert_eq!(seconds(32, 7200), (2, 28));
    }
}
