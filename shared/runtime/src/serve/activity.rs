//! The activity of a connection and its duration, by which the table of connections chooses the one to close.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Time after which a client that has not sent its request or the rest of a body counts as slow.
const SLOW: Duration = Duration::from_secs(1);

/// The phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No request received yet.
    New,
    /// The body of the request has stalled.
    Stalled,
    /// Kept alive between two requests.
    KeptAlive,
    /// The request is being handled.
    Busy,
}

/// The activity of a connection. Requests update it without the lock of the table.
pub(super) struct Activity {
    /// The phase in the two highest bits, and its start in nanoseconds of [`now_ns`].
    phase: AtomicU64,
    evicted: Notify,
}

impl Activity {
    /// Returns the activity of a new connection.
    pub(super) fn new() -> Self {
        Self { phase: AtomicU64::new(packed(Phase::New)), evicted: Notify::new() }
    }

    /// Starts a phase.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(packed(phase), Ordering::Relaxed);
    }

    /// Records that the body continues, or is no longer read.
    pub(super) fn resume(&self) {
        if self.phase(0).0 == Phase::Stalled {
            self.enter(Phase::Busy);
        }
    }

    /// Returns the phase, and how long it has lasted at this time of [`now_ns`].
    pub(super) fn phase(&self, now_ns: u64) -> (Phase, Duration) {
        let packed = self.phase.load(Ordering::Relaxed);
        let phase = match packed >> PHASE_SHIFT {
            0 => Phase::New,
            1 => Phase::Stalled,
            2 => Phase::KeptAlive,
            _ => Phase::Busy,
        };
        (phase, Duration::from_nanos(now_ns.saturating_sub(packed & !(0b11 << PHASE_SHIFT))))
    }

    /// Requests that the connection is closed.
    pub(super) fn evict(&self) {
        self.evicted.notify_one();
    }

    /// Completes when the connection must be closed.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

/// Connections that can be closed, and the first of them.
#[derive(Default)]
struct Group {
    count: usize,
    /// Slowness, duration and identity of the first one.
    first: Option<(u8, Duration, u64)>,
}

impl Group {
    fn add(&mut self, slowness: u8, lasts: Duration, id: u64) {
        self.count += 1;
        self.first = self.first.max(Some((slowness, lasts, id)));
    }
}

/// Returns the connection to close; `None` if all requests are being handled. Slow clients come first: those without
/// a request, then those whose body has stalled. Without slow clients, the larger of two groups is chosen:
/// connections that wait for their client, as in a flood, or connections between two requests, as a proxy keeps many.
pub(super) fn first_to_give_way(all: impl Iterator<Item = (u64, Phase, Duration)>) -> Option<u64> {
    let (mut waiting, mut kept_alive) = (Group::default(), Group::default());
    for (id, phase, lasts) in all {
        match phase {
            Phase::New => waiting.add(if lasts >= SLOW { 2 } else { 0 }, lasts, id),
            Phase::Stalled => waiting.add(if lasts >= SLOW { 1 } else { 0 }, lasts, id),
            Phase::KeptAlive => kept_alive.add(0, lasts, id),
            Phase::Busy => {}
        }
    }
    let is_slow = waiting.first.is_some_and(|(slowness, ..)| slowness > 0);
    let group = if is_slow || waiting.count >= kept_alive.count { waiting } else { kept_alive };
    group.first.map(|(.., id)| id)
}

const PHASE_SHIFT: u32 = 62;

fn packed(phase: Phase) -> u64 {
    (phase as u64) << PHASE_SHIFT | now_ns()
}

/// Returns the nanoseconds since the first call: 62 bits last for a century.
pub(super) fn now_ns() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX) & !(0b11 << PHASE_SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Returns the order in which these connections are closed.
    fn order(mut all: Vec<(Phase, Duration)>) -> Vec<(Phase, Duration)> {
        let mut order = Vec::new();
        while let Some(first) = first_to_give_way((0..).zip(&all).map(|(id, (phase, lasts))| (id, *phase, *lasts))) {
            order.push(all.remove(usize::try_from(first).expect("an index")));
        }
        order
    }

    #[test]
    fn slow_clients_give_way_before_connections_in_use() {
        let slow = [
            (Phase::New, ms(3000)),
            (Phase::New, ms(1000)),
            (Phase::Stalled, ms(9000)),
            (Phase::Stalled, ms(1000)),
            (Phase::KeptAlive, ms(20_000)),
            (Phase::KeptAlive, ms(2000)),
        ];
        let mut all = slow.to_vec();
        all.reverse();
        all.push((Phase::Busy, ms(60_000)));
        assert_eq!(order(all), slow);
    }

    #[test]
    fn without_slow_clients_the_larger_group_gives_way() {
        let flood: Vec<_> = (0..100).map(|n| (Phase::Stalled, ms(n))).chain([(Phase::KeptAlive, ms(9000))]).collect();
        assert_eq!(order(flood)[0], (Phase::Stalled, ms(99)));
        let proxy: Vec<_> = (0..100).map(|n| (Phase::KeptAlive, ms(n))).chain([(Phase::New, ms(900))]).collect();
        assert_eq!(order(proxy)[0], (Phase::KeptAlive, ms(99)));
    }

    #[test]
    fn a_phase_is_read_as_it_was_entered() {
        let activity = Activity::new();
        assert_eq!(activity.phase(now_ns()).0, Phase::New);
        for phase in [Phase::Stalled, Phase::KeptAlive, Phase::Busy, Phase::New] {
            activity.enter(phase);
            let (read, lasts) = activity.phase(now_ns());
            assert!(read == phase && lasts < Duration::from_secs(60), "{phase:?} {read:?} {lasts:?}");
            activity.resume();
            assert_eq!(activity.phase(now_ns()).0, if phase == Phase::Stalled { Phase::Busy } else { phase });
        }
    }
}
