//! Shares: how many of the messages in flight one destination may have, so that a slow destination does not delay others.
//!
//! Without limits one destination that hangs would soon have all messages in flight. So claims leave out a destination that
//! has its share: as many messages as it finished in the last second or two, and at least [`FLOOR`]. A destination that
//! responds within a second is never limited by that, whatever its rate. Where no other destination has due messages, a slow
//! destination is granted the rest, except for a small reserve in which other destinations start at once.
//!
//! A destination that has finished nothing yet has at most half of what is free: many slow destinations, one after the
//! other, leave room for the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sigpost_store::destination::Destination;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Messages in flight that a destination may have before it has finished any.
const FLOOR: usize = 64;
/// The part of all messages in flight that is granted to no destination: 1/32.
const RESERVE: usize = 32;
/// How long a grant holds.
const GRANTED_FOR: Duration = Duration::from_secs(1);
/// Finished messages are counted per period, and those of this one and the last one count.
const PERIOD: Duration = Duration::from_secs(1);
/// Destinations whose numbers are kept at most, apart from those with messages in flight.
const MAX_IDLE: usize = 1024;

/// The messages in flight of one process by destination. Clones share them.
#[derive(Clone)]
pub(super) struct Shares(Arc<Inner>);

struct Inner {
    max_in_flight: usize,
    loads: Mutex<Loads>,
    /// Rings when a destination that was left out has room again.
    freed: Notify,
}

#[derive(Default)]
struct Loads {
    by_destination: HashMap<Destination, Load>,
    in_flight: usize,
}

/// What is known of one destination.
#[derive(Debug)]
struct Load {
    in_flight: usize,
    /// Messages that ended in this period and in the last one.
    ended: [usize; 2],
    period_began: Instant,
    granted: Option<(usize, Instant)>,
    /// Messages in flight when a claim left it out.
    left_out_at: Option<usize>,
}

/// What a claim takes.
#[derive(Debug)]
pub(super) struct Plan {
    /// Messages at most.
    pub(super) messages: usize,
    /// Destinations that have their share.
    pub(super) without: Vec<Destination>,
}

/// The right to have a message of this destination in flight. Given back when it is dropped.
pub(super) struct Share {
    shares: Shares,
    destination: Destination,
}

impl Load {
    fn new(now: Instant) -> Self {
        Self { in_flight: 0, ended: [0; 2], period_began: now, granted: None, left_out_at: None }
    }

    fn turn(&mut self, now: Instant) {
        let periods = now.duration_since(self.period_began).as_secs() / PERIOD.as_secs();
        match periods {
            0 => return,
            1 => self.ended = [0, self.ended[0]],
            _ => self.ended = [0; 2],
        }
        self.period_began = now;
    }

    /// Whether it has its share, where so many more messages may be in flight.
    fn has_share(&mut self, free: usize, now: Instant) -> bool {
        self.turn(now);
        let granted = self.granted.filter(|(_, until)| now < *until).map_or(0, |(granted, _)| granted);
        let earned = self.ended[0] + self.ended[1];
        self.in_flight >= earned.max(granted) && (self.in_flight >= FLOOR || self.in_flight >= free)
    }

    /// How much of a grant is left, if there is one.
    fn left_of_grant(&self, now: Instant) -> Option<usize> {
        let (granted, _) = self.granted.filter(|(_, until)| now < *until)?;
        granted.checked_sub(self.in_flight).filter(|left| *left > 0)
    }

    fn is_idle(&self) -> bool {
        self.in_flight == 0
    }
}

impl Shares {
    pub(super) fn new(max_in_flight: usize) -> Self {
        Self(Arc::new(Inner { max_in_flight, loads: Mutex::default(), freed: Notify::new() }))
    }

    /// Takes a share for a message that is in flight, whether or not its destination has its share.
    pub(super) fn take(&self, destination: Destination) -> Share {
        self.lock().add(destination, Instant::now());
        Share { shares: self.clone(), destination }
    }

    /// Takes a share unless the destination has its share.
    pub(super) fn try_take(&self, destination: Destination) -> Option<Share> {
        let now = Instant::now();
        let mut loads = self.lock();
        let free = self.0.max_in_flight.saturating_sub(loads.in_flight);
        if loads.by_destination.get_mut(&destination).is_some_and(|load| load.has_share(free, now)) {
            return None;
        }
        loads.add(destination, now);
        drop(loads);
        Some(Share { shares: self.clone(), destination })
    }

    /// Returns what a claim takes, where there is room for so many messages.
    pub(super) fn plan(&self, room: usize) -> Plan {
        let now = Instant::now();
        let mut loads = self.lock();
        let free = self.0.max_in_flight.saturating_sub(loads.in_flight);
        // All of them may go to one destination: a part of what is free is left for others.
        let most = free.saturating_sub(self.reserve()).max(free.div_ceil(2));
        let mut plan = Plan { messages: room.min(most), without: Vec::new() };
        for (destination, load) in &mut loads.by_destination {
            load.left_out_at = load.has_share(free, now).then_some(load.in_flight);
            if load.left_out_at.is_some() {
                plan.without.push(*destination);
            } else if let Some(left) = load.left_of_grant(now) {
                plan.messages = plan.messages.min(left);
            }
        }
        if !plan.without.is_empty() {
            plan.messages = plan.messages.min(room.div_ceil(2));
        }
        plan
    }

    /// No other destination has due messages: grants these what is free, except for the reserve. Returns whether that is
    /// anything.
    pub(super) fn grant(&self, destinations: &[Destination]) -> bool {
        let now = Instant::now();
        let mut loads = self.lock();
        let free = self.0.max_in_flight.saturating_sub(loads.in_flight);
        let extra = free.saturating_sub(self.reserve()) / destinations.len().max(1);
        if extra == 0 {
            return false;
        }
        for destination in destinations {
            if let Some(load) = loads.by_destination.get_mut(destination) {
                load.granted = Some((load.in_flight + extra, now + GRANTED_FOR));
                load.left_out_at = None;
            }
        }
        true
    }

    fn reserve(&self) -> usize {
        self.0.max_in_flight / RESERVE
    }

    /// Completes when a destination that was left out has room again.
    pub(super) async fn freed(&self) {
        self.0.freed.notified().await;
    }

    fn give_back(&self, destination: Destination) {
        let now = Instant::now();
        let mut loads = self.lock();
        loads.in_flight -= 1;
        let Some(load) = loads.by_destination.get_mut(&destination) else { return };
        load.turn(now);
        load.in_flight -= 1;
        load.ended[0] += 1;
        // After an eighth of them: a claim for each message that ends would cost more than the message.
        if load.left_out_at.is_some_and(|in_flight| load.in_flight < in_flight - in_flight / 8) {
            load.left_out_at = None;
            self.0.freed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Loads> {
        self.0.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loads {
    fn add(&mut self, destination: Destination, now: Instant) {
        self.in_flight += 1;
        if self.by_destination.len() >= MAX_IDLE && !self.by_destination.contains_key(&destination) {
            self.by_destination.retain(|_, load| !load.is_idle());
        }
        self.by_destination.entry(destination).or_insert_with(|| Load::new(now)).in_flight += 1;
    }
}

impl Share {
    pub(super) fn destination(&self) -> Destination {
        self.destination
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shares.give_back(self.destination);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    const HANGING: Destination = Destination(1);
    const FAST: Destination = Destination(2);

    /// Takes shares until there are no more.
    fn fill(shares: &Shares, destination: Destination) -> Vec<Share> {
        std::iter::from_fn(|| shares.try_take(destination)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn destination_that_responds_to_nothing_gets_little() {
        let shares = Shares::new(1024);
        let hanging = fill(&shares, HANGING);
        assert_eq!(hanging.len(), FLOOR);
        assert_eq!(shares.plan(256).without, [HANGING]);
        assert!(shares.try_take(FAST).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn destination_may_have_what_it_finishes_in_a_second() {
        let shares = Shares::new(1024);
        let mut in_flight = Vec::new();
        // 50 ms for each: after a second it finishes as many in a second as there is room for twenty times.
        for finished in [64, 64, 128, 256, 512] {
            in_flight = fill(&shares, FAST);
            assert_eq!(in_flight.len(), finished);
            in_flight.clear();
            advance(Duration::from_millis(50)).await;
        }
        in_flight.extend((0..900).map(|_| shares.take(FAST)));
        assert!(shares.plan(256).without.is_empty());
        drop(in_flight);
        advance(PERIOD * 2).await;
        assert_eq!(fill(&shares, FAST).len(), FLOOR, "what it finished long ago does not count");
    }

    #[tokio::test(start_paused = true)]
    async fn slow_destination_is_granted_what_others_leave() {
        let shares = Shares::new(1024);
        let mut hanging = fill(&shares, HANGING);
        assert!(shares.grant(&shares.plan(256).without));
        hanging.extend(fill(&shares, HANGING));
        assert_eq!(hanging.len(), 1024 - 32);
        assert!(!shares.grant(&shares.plan(256).without), "the reserve is granted to no destination");
        let fast = fill(&shares, FAST);
        assert_eq!(fast.len(), 16, "half of what is free");
        advance(GRANTED_FOR).await;
        hanging.truncate(600);
        assert_eq!(fill(&shares, HANGING).len(), 0, "others may have due messages now");
    }

    #[tokio::test(start_paused = true)]
    async fn room_for_a_destination_that_was_left_out_is_announced() {
        let shares = Shares::new(1024);
        let mut hanging = fill(&shares, HANGING);
        assert_eq!(shares.plan(256).without, [HANGING]);
        hanging.truncate(56);
        assert!(shares.freed().now_or_never().is_none());
        hanging.truncate(55);
        assert!(shares.freed().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn few_messages_in_flight_are_shared_as_well() {
        let shares = Shares::new(4);
        assert_eq!(fill(&shares, HANGING).len(), 2);
        assert!(shares.try_take(FAST).is_some());
        let shares = Shares::new(1);
        assert_eq!(fill(&shares, HANGING).len(), 1);
    }
}
