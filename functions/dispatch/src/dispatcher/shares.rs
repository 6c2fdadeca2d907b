//! Limits the share of one destination in the messages in flight, so that a slow destination does not delay others.
//!
//! Otherwise a destination that hangs would soon have all messages in flight. So claims skip a destination that used up its
//! share: as many messages as ended in the last one or two seconds without a timeout, and at least [`FLOOR`]. This never
//! limits a destination that responds within a second, at any rate.
//!
//! If no other destination has due messages, those that respond are granted the rest, except for a small reserve in which
//! other destinations can start immediately. Silent destinations, to which nothing ended recently, are granted at most
//! half of the capacity together. In addition, each takes at most an eighth of what is free, so that dozens of hanging
//! destinations leave room for the next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sigpost_store::destination::Destination;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Minimum share, also of a silent destination, while enough capacity is free.
const FLOOR: usize = 64;
/// Part of the free capacity that a silent destination may take: an eighth.
const SILENT: usize = 8;
/// Divisor of the reserve that is granted to no destination: 1/32 of the capacity.
const RESERVE: usize = 32;
/// Duration of a grant.
const GRANTED_FOR: Duration = Duration::from_secs(1);
/// Period of the count of ended attempts. The current and the previous period count.
const PERIOD: Duration = Duration::from_secs(1);
/// The delay of the next query after one that skipped destinations: meanwhile other messages may become due.
pub(super) const LEFT_OUT: Duration = Duration::from_millis(50);
/// Maximum number of stored destinations, except those with messages in flight.
const MAX_IDLE: usize = 1024;

/// The messages in flight of one process by destination. Clones share them.
#[derive(Clone)]
pub(super) struct Shares(Arc<Inner>);

struct Inner {
    max_in_flight: usize,
    loads: Mutex<Loads>,
    /// Notified when a skipped destination has room again.
    freed: Notify,
}

#[derive(Default)]
struct Loads {
    by_destination: HashMap<Destination, Load>,
    in_flight: usize,
}

/// The load of one destination.
#[derive(Debug)]
struct Load {
    in_flight: usize,
    /// Attempts that ended without a timeout in the current and the previous period.
    ended: [usize; 2],
    period_began: Instant,
    granted: Option<(usize, Instant)>,
    /// Messages in flight when a claim skipped the destination.
    left_out_at: Option<usize>,
}

/// The limits of a claim.
#[derive(Debug)]
pub(super) struct Plan {
    /// Maximum number of messages.
    pub(super) messages: usize,
    /// Destinations that used up their share.
    pub(super) without: Vec<Destination>,
}

/// Capacity for a message in flight to this destination, released when it is dropped.
pub(super) struct Share {
    shares: Shares,
    destination: Destination,
    has_timed_out: bool,
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

    /// Whether the destination used up its share. `free` is the capacity for further messages in flight.
    fn has_share(&mut self, free: usize, now: Instant) -> bool {
        self.turn(now);
        let part = if self.is_silent() { free.div_ceil(SILENT) } else { free };
        self.in_flight >= self.ended().max(self.granted(now)) && self.in_flight >= part.min(FLOOR)
    }

    /// Returns the number of recent attempts that ended without a timeout.
    fn ended(&self) -> usize {
        self.ended[0] + self.ended[1]
    }

    fn is_silent(&self) -> bool {
        self.ended() == 0
    }

    /// Returns the granted number of messages in flight, 0 without a current grant.
    fn granted(&self, now: Instant) -> usize {
        self.granted.filter(|(_, until)| now < *until).map_or(0, |(granted, _)| granted)
    }

    /// Returns the rest of a grant, if there is one.
    fn left_of_grant(&self, now: Instant) -> Option<usize> {
        self.granted(now).checked_sub(self.in_flight).filter(|left| *left > 0)
    }

    fn is_idle(&self) -> bool {
        self.in_flight == 0
    }
}

impl Shares {
    pub(super) fn new(max_in_flight: usize) -> Self {
        Self(Arc::new(Inner { max_in_flight, loads: Mutex::default(), freed: Notify::new() }))
    }

    /// Takes capacity for a message in flight, even if its destination used up its share.
    pub(super) fn take(&self, destination: Destination) -> Share {
        self.lock().add(destination, Instant::now());
        self.share(destination)
    }

    /// Takes capacity unless the destination used up its share.
    pub(super) fn try_take(&self, destination: Destination) -> Option<Share> {
        let now = Instant::now();
        let mut loads = self.lock();
        let free = self.free(&loads);
        if loads.by_destination.get_mut(&destination).is_some_and(|load| load.has_share(free, now)) {
            return None;
        }
        loads.add(destination, now);
        drop(loads);
        Some(self.share(destination))
    }

    fn share(&self, destination: Destination) -> Share {
        Share { shares: self.clone(), destination, has_timed_out: false }
    }

    /// Returns the limits of a claim with room for this number of messages.
    pub(super) fn plan(&self, room: usize) -> Plan {
        let now = Instant::now();
        let mut loads = self.lock();
        let free = self.free(&loads);
        let silent = loads.silent_in_flight(now);
        let mut plan = Plan { messages: room, without: Vec::new() };
        for (destination, load) in &mut loads.by_destination {
            load.left_out_at = load.has_share(free, now).then_some(load.in_flight);
            if load.left_out_at.is_some() {
                plan.without.push(*destination);
            } else if let Some(left) = load.left_of_grant(now) {
                plan.messages = plan.messages.min(left);
            }
        }
        // All claimed messages may have the same destination, which may hang like the others.
        let most = match silent > self.0.max_in_flight / 8 {
            true => free.div_ceil(SILENT).min(FLOOR),
            false => free.saturating_sub(self.reserve()).max(free.div_ceil(2)),
        };
        plan.messages = plan.messages.min(most);
        plan
    }

    /// Grants these destinations the free capacity except for the reserve, because no other destination has due messages.
    /// Silent ones are granted the rest of their half, unless another one of them responds. Returns whether there was any.
    pub(super) fn grant(&self, destinations: &[Destination]) -> bool {
        let now = Instant::now();
        let mut loads = self.lock();
        let free = self.free(&loads).saturating_sub(self.reserve());
        let most_silent = (self.0.max_in_flight / 2).max(FLOOR).saturating_sub(loads.silent_in_flight(now));
        let is_silent = |destination: &&Destination| loads.by_destination.get(destination).is_none_or(Load::is_silent);
        let (silent, responding): (Vec<_>, Vec<_>) = destinations.iter().partition(is_silent);
        let (chosen, extra) = match responding.is_empty() {
            true => (silent, free.min(most_silent)),
            false => (responding, free),
        };
        let extra = extra / chosen.len().max(1);
        if extra == 0 {
            return false;
        }
        for destination in chosen {
            if let Some(load) = loads.by_destination.get_mut(destination) {
                load.granted = Some((load.in_flight + extra, now + GRANTED_FOR));
                load.left_out_at = None;
            }
        }
        true
    }

    /// Returns the capacity for further messages in flight.
    fn free(&self, loads: &Loads) -> usize {
        self.0.max_in_flight.saturating_sub(loads.in_flight)
    }

    fn reserve(&self) -> usize {
        self.0.max_in_flight / RESERVE
    }

    /// Waits until a skipped destination has room again.
    pub(super) async fn freed(&self) {
        self.0.freed.notified().await;
    }

    fn give_back(&self, destination: Destination, has_timed_out: bool) {
        let now = Instant::now();
        let mut loads = self.lock();
        loads.in_flight -= 1;
        let Some(load) = loads.by_destination.get_mut(&destination) else { return };
        load.turn(now);
        load.in_flight -= 1;
        load.ended[0] += usize::from(!has_timed_out);
        // After an eighth of them, because a claim per ended message would cost more than the message.
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
    /// Returns the messages in flight to silent destinations.
    fn silent_in_flight(&mut self, now: Instant) -> usize {
        let silent = self.by_destination.values_mut().filter_map(|load| {
            load.turn(now);
            load.is_silent().then_some(load.in_flight)
        });
        silent.sum()
    }

    fn add(&mut self, destination: Destination, now: Instant) {
        self.in_flight += 1;
        if self.by_destination.len() >= MAX_IDLE && !self.by_destination.contains_key(&destination) {
            self.by_destination.retain(|_, load| !load.is_idle());
        }
        self.by_destination.entry(destination).or_insert_with(|| Load::new(now)).in_flight += 1;
    }
}

impl Share {
    /// Marks the attempt as timed out, so that it does not count as an ended one.
    pub(super) fn timed_out(&mut self) {
        self.has_timed_out = true;
    }

    pub(super) fn destination(&self) -> Destination {
        self.destination
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shares.give_back(self.destination, self.has_timed_out);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    const HANGING: Destination = Destination(1);
    const FAST: Destination = Destination(2);
    const SLOW: Destination = Destination(3);

    /// Takes shares until there are no more.
    fn fill(shares: &Shares, destination: Destination) -> Vec<Share> {
        std::iter::from_fn(|| shares.try_take(destination)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn silent_destination_gets_little() {
        let shares = Shares::new(1024);
        let hanging = fill(&shares, HANGING);
        assert_eq!(hanging.len(), FLOOR);
        assert_eq!(shares.plan(256).without, [HANGING]);
        assert!(shares.try_take(FAST).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn destination_may_have_what_ends_in_a_second() {
        let shares = Shares::new(1024);
        let mut in_flight = Vec::new();
        // 50 ms for each: after a second it ends as many in a second as there is room for twenty times.
        for ended in [64, 64, 128, 256, 512] {
            in_flight = fill(&shares, FAST);
            assert_eq!(in_flight.len(), ended);
            in_flight.clear();
            advance(Duration::from_millis(50)).await;
        }
        in_flight.extend((0..900).map(|_| shares.take(FAST)));
        assert!(shares.plan(256).without.is_empty());
        drop(in_flight);
        advance(PERIOD * 2).await;
        assert_eq!(fill(&shares, FAST).len(), FLOOR, "what ended long ago does not count");
    }

    #[tokio::test(start_paused = true)]
    async fn silent_destination_is_granted_half_and_a_responding_one_the_rest() {
        let shares = Shares::new(1024);
        let mut hanging = fill(&shares, HANGING);
        assert!(shares.grant(&shares.plan(256).without));
        hanging.extend(fill(&shares, HANGING));
        assert_eq!(hanging.len(), 512);
        assert!(!shares.grant(&shares.plan(256).without), "silent destinations have their half");

        drop(shares.take(SLOW));
        let mut slow = fill(&shares, SLOW);
        assert_eq!(slow.len(), FLOOR);
        assert!(shares.grant(&shares.plan(256).without));
        slow.extend(fill(&shares, SLOW));
        assert_eq!(slow.len(), 512 - 32, "all but the reserve");
        assert!(!shares.grant(&shares.plan(256).without), "the reserve is granted to no destination");
        assert_eq!(fill(&shares, FAST).len(), 4, "an eighth of the free capacity");
        advance(GRANTED_FOR).await;
        hanging.truncate(400);
        assert_eq!(fill(&shares, HANGING).len(), 0, "others may have due messages now");
    }

    #[tokio::test(start_paused = true)]
    async fn dozens_of_hanging_destinations_leave_room_for_others() {
        let shares = Shares::new(1024);
        let mut hanging = Vec::new();
        for number in 0..24 {
            // A claim does not know how many messages it finds for one destination.
            let claimed = shares.plan(256).messages;
            hanging.extend((0..claimed).map(|_| shares.take(Destination(100 + number))));
            while shares.grant(&shares.plan(256).without) {
                let claimed = shares.plan(256).messages;
                hanging.extend((0..claimed).map(|_| shares.take(Destination(100 + number))));
            }
        }
        assert!(!fill(&shares, FAST).is_empty());
        hanging.iter_mut().for_each(Share::timed_out);
        hanging.clear();
        advance(GRANTED_FOR).await;
        hanging.extend(fill(&shares, Destination(100)));
        assert_eq!(hanging.len(), FLOOR, "a timeout is not a response");
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
        assert_eq!(fill(&shares, HANGING).len(), 1);
        assert!(shares.try_take(FAST).is_some());
        let shares = Shares::new(1);
        assert_eq!(fill(&shares, HANGING).len(), 1);
    }
}
