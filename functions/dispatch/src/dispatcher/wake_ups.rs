//! Wake-ups: when the dispatcher next queries the database, and for which messages.
//!
//! Every statement that can let a message start, or start earlier, returns [`WakeUps`], which [`Dispatcher::wake`] converts to
//! timers. A stopping process notifies the other dispatchers instead.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sigpost_store::WakeUps;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Dispatcher;

/// Maximum number of limits with separate timers. A rescan of all limits serves further ones.
const MOST_LIMITS: usize = 10_000;

/// The timers of one process.
pub(super) struct Timers {
    pending: Mutex<Pending>,
    /// Notified when the next wake-up becomes earlier.
    earlier: Notify,
}

/// Pending queries and their times. The earliest request for each counts; taking one removes it.
#[derive(Debug)]
struct Pending {
    /// The query for due messages, at the latest after the poll interval.
    due_at: Instant,
    /// A further query for due messages after the last notification, even if they are queried before.
    again_at: Option<Instant>,
    /// The rescan of all limits with blocked messages; `None` if none are known.
    rescan_at: Option<Instant>,
    limits: HashMap<String, Instant>,
    limits_by_time: BTreeSet<(Instant, String)>,
    /// Maximum interval between queries for due messages.
    poll: Duration,
}

/// Queries that are due now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Limits whose blocked messages to claim.
    pub(super) limits: Vec<String>,
    /// Whether to query due messages.
    pub(super) due: bool,
    /// Whether to rescan all limits with blocked messages. Implies `due`.
    pub(super) rescan: bool,
}

impl Pending {
    fn new(now: Instant, poll: Duration) -> Self {
        Self {
            due_at: now,
            again_at: None,
            rescan_at: None,
            limits: HashMap::new(),
            limits_by_time: BTreeSet::new(),
            poll,
        }
    }

    /// Returns the time of the next wake-up.
    fn next(&self) -> Instant {
        let limit_at = self.limits_by_time.first().map(|(at, _)| *at);
        [Some(self.due_at), self.again_at, self.rescan_at, limit_at].into_iter().flatten().min().unwrap_or(self.due_at)
    }

    fn add(&mut self, now: Instant, wake_ups: WakeUps) {
        // Polling covers later times. This also prevents overflow of the sum.
        let poll = self.poll;
        let at = |wake_in: Duration| now + wake_in.min(poll);
        if let Some(due_in) = wake_ups.due_in {
            self.due_at = self.due_at.min(at(due_in));
        }
        for (limit, wake_in) in wake_ups.limits {
            let at = at(wake_in);
            match self.limits.get(&limit) {
                Some(earlier) if *earlier <= at => {}
                None if self.limits.len() >= MOST_LIMITS => self.rescan(at),
                later => {
                    if let Some(later) = later {
                        self.limits_by_time.remove(&(*later, limit.clone()));
                    }
                    self.limits_by_time.insert((at, limit.clone()));
                    self.limits.insert(limit, at);
                }
            }
        }
    }

    fn rescan(&mut self, at: Instant) {
        self.rescan_at = Some(self.rescan_at.map_or(at, |earlier| earlier.min(at)));
    }

    fn take_limits(&mut self, now: Instant) -> Vec<String> {
        let mut taken = Vec::new();
        while self.limits_by_time.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, limit)) = self.limits_by_time.pop_first()
        {
            self.limits.remove(&limit);
            taken.push(limit);
        }
        taken
    }

    fn take(&mut self, now: Instant) -> Option<Wanted> {
        let rescan = self.rescan_at.is_some_and(|at| at <= now);
        let again = self.again_at.is_some_and(|at| at <= now);
        let wanted = Wanted { limits: self.take_limits(now), due: rescan || again || self.due_at <= now, rescan };
        if wanted.due {
            self.due_at = now + self.poll;
        }
        if again {
            self.again_at = None;
        }
        if rescan {
            self.rescan_at = None;
        }
        (wanted != Wanted::default()).then_some(wanted)
    }
}

impl Timers {
    /// Creates timers with an immediate first query.
    pub(super) fn new(poll: Duration) -> Self {
        Self { pending: Mutex::new(Pending::new(Instant::now(), poll)), earlier: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Pending)) {
        let mut pending = self.lock();
        let before = pending.next();
        change(&mut pending);
        if pending.next() < before {
            self.earlier.notify_one();
        }
    }

    /// Waits until [`next`](Self::next) becomes earlier.
    pub(super) async fn earlier(&self) {
        self.earlier.notified().await;
    }

    /// Returns the time of the next wake-up.
    pub(super) fn next(&self) -> Instant {
        self.lock().next()
    }

    pub(super) fn add(&self, wake_ups: WakeUps) {
        self.change(|pending| pending.add(Instant::now(), wake_ups));
    }

    /// Schedules a rescan of all limits after this time at the latest.
    pub(super) fn rescan_in(&self, wait: Duration) {
        self.change(|pending| pending.rescan(Instant::now() + wait));
    }

    /// Schedules a further query for due messages after this time. Replaces the previous one.
    pub(super) fn query_again_in(&self, wait: Duration) {
        self.change(|pending| pending.again_at = Some(Instant::now() + wait));
    }

    /// Takes the queries that are due now, if any.
    pub(super) fn take(&self) -> Option<Wanted> {
        self.lock().take(Instant::now())
    }

    /// Takes the limits that are due now.
    pub(super) fn take_limits(&self) -> Vec<String> {
        self.lock().take_limits(Instant::now())
    }

    /// Clears all wake-ups, because another dispatcher has them.
    pub(super) fn clear(&self) {
        let mut pending = self.lock();
        let now = Instant::now();
        let poll = pending.poll;
        *pending = Pending { due_at: now + poll, ..Pending::new(now, poll) };
    }
}

impl Dispatcher {
    /// Converts wake-ups to timers. A stopping process also notifies the other dispatchers.
    pub(crate) fn wake(&self, wake_ups: WakeUps) {
        if wake_ups.is_empty() {
            return;
        }
        if self.0.stopping.is_cancelled() {
            self.0.handing_over.notify_one();
        }
        self.0.timers.add(wake_ups);
    }

    /// Schedules an immediate query of due messages and of all limits with blocked messages.
    pub(crate) fn wake_everything(&self) {
        self.0.timers.rescan_in(Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLL: Duration = Duration::from_secs(300);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn limit(name: &str, wake_in: Duration) -> WakeUps {
        WakeUps { due_in: None, limits: [(name.to_owned(), wake_in)].into() }
    }

    #[test]
    fn the_earliest_request_counts() {
        let now = Instant::now();
        let mut pending = Pending::new(now, POLL);
        assert!(pending.take(now).is_some_and(|wanted| wanted.due), "the first query is due immediately");
        for wait in [20, 5, 10] {
            pending.add(now, limit("a", seconds(wait)));
        }
        assert_eq!(pending.next(), now + seconds(5));
        assert_eq!(pending.take(now + seconds(4)), None);
        let wanted = Wanted { limits: vec!["a".to_owned()], ..Wanted::default() };
        assert_eq!(pending.take(now + seconds(5)), Some(wanted));
        assert_eq!(pending.next(), now + POLL);
    }

    #[test]
    fn a_query_for_due_messages_drops_no_rescan_and_no_limit() {
        let now = Instant::now();
        let mut pending = Pending::new(now, POLL);
        pending.take(now);
        pending.rescan(now + seconds(20));
        pending.add(now, limit("a", seconds(2)));
        pending.add(now, WakeUps { due_in: Some(seconds(1)), ..WakeUps::default() });
        assert_eq!(pending.take(now + seconds(1)), Some(Wanted { due: true, ..Wanted::default() }));
        assert_eq!(pending.next(), now + seconds(2));
        assert_eq!(pending.take(now + seconds(2)).map(|wanted| wanted.limits), Some(vec!["a".to_owned()]));
        assert_eq!(pending.next(), now + seconds(20));
        assert!(pending.take(now + seconds(20)).is_some_and(|wanted| wanted.rescan && wanted.due));
    }

    #[test]
    fn a_query_before_its_time_does_not_serve_one_that_was_asked_for_again() {
        let now = Instant::now();
        let mut pending = Pending::new(now, POLL);
        pending.rescan(now);
        pending.again_at = Some(now + seconds(1));
        assert!(pending.take(now).is_some_and(|wanted| wanted.due));
        assert_eq!(pending.next(), now + seconds(1));
        assert_eq!(pending.take(now + seconds(1)), Some(Wanted { due: true, ..Wanted::default() }));
        assert_eq!(pending.next(), now + seconds(1) + POLL);
    }

    #[test]
    fn more_limits_than_have_timers_are_rescanned_together() {
        let now = Instant::now();
        let mut pending = Pending::new(now, POLL);
        pending.take(now);
        for number in 0..=MOST_LIMITS {
            pending.add(now, limit(&number.to_string(), seconds(60)));
        }
        assert_eq!((pending.limits.len(), pending.rescan_at), (MOST_LIMITS, Some(now + seconds(60))));
    }

    /// A step of the property test below: a request in milliseconds from now, or a wake-up of the process.
    #[derive(Clone, Debug)]
    enum Step {
        Due(u64),
        Limit(u8, u64),
        Rescan(u64),
        WakesUp,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..400_000_u64).prop_map(Step::Due),
            (0..4_u8, 0..400_000_u64).prop_map(|(name, ms)| Step::Limit(name, ms)),
            (0..400_000_u64).prop_map(Step::Rescan),
            Just(Step::WakesUp),
        ]
    }

    proptest! {
        /// For any requests in any order: when the process has woken up at each time that was next, each request was
        /// served at its time or earlier, and no limit without a request.
        #[test]
        fn no_wake_up_is_missed(steps in proptest::collection::vec((step(), 0..30_000_u64), 1..60)) {
            let mut now = Instant::now();
            let mut pending = Pending::new(now, POLL);
            // Unserved requests: what, and the latest time at which it has to be served.
            let mut open: Vec<(String, Instant)> = vec![("due".to_owned(), now)];
            let serve = |pending: &mut Pending, open: &mut Vec<(String, Instant)>, at: Instant| {
                while let Some(Wanted { limits, due, rescan }) = pending.take(at) {
                    let served = |what: &str| {
                        due && what == "due" || rescan && what == "rescan" || limits.iter().any(|limit| limit == what)
                    };
                    assert!(limits.iter().all(|limit| open.iter().any(|(what, _)| what == limit)), "{limits:?}");
                    open.retain(|(what, _)| !served(what));
                }
                assert!(open.iter().all(|(_, by)| *by > at), "{open:?} at {at:?}");
            };
            for (step, passes_ms) in steps {
                let wait = |ms| Duration::from_millis(ms).min(POLL);
                match step {
                    Step::Due(ms) => {
                        pending.add(now, WakeUps { due_in: Some(wait(ms)), ..WakeUps::default() });
                        open.push(("due".to_owned(), now + wait(ms)));
                    }
                    Step::Limit(name, ms) => {
                        pending.add(now, limit(&name.to_string(), wait(ms)));
                        open.push((name.to_string(), now + wait(ms)));
                    }
                    Step::Rescan(ms) => {
                        pending.rescan(now + wait(ms));
                        open.push(("rescan".to_owned(), now + wait(ms)));
                    }
                    Step::WakesUp => serve(&mut pending, &mut open, now),
                }
                // The process sleeps until the next wake-up, as often as one comes within this time.
                let until = now + Duration::from_millis(passes_ms);
                while pending.next() <= until {
                    now = now.max(pending.next());
                    serve(&mut pending, &mut open, now);
                }
                now = until;
            }
        }
    }
}
