//! Large bodies in flight, within a budget of bytes. Small ones are bounded by the number of messages in flight, so that
//! they never wait for large ones.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sigpost_store::WakeUps;
use tokio::sync::Notify;

use crate::budget::SMALL;

/// Bytes of large bodies in one claim at most, unless there is one.
const CLAIM_BYTES: usize = 16 * 1024 * 1024;

/// What of a body counts: what it has more than a small one.
pub(super) fn large_part(bytes: usize) -> usize {
    bytes.saturating_sub(SMALL)
}

/// The large bodies that a process holds. Clones share them.
#[derive(Clone)]
pub(super) struct LargeBodies(Arc<Inner>);

struct Inner {
    budget: usize,
    held: Mutex<Held>,
    /// Rings when there is room again for which wake-ups wait.
    freed: Notify,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    /// For messages that had no room.
    waiting: WakeUps,
}

/// A part of the budget. It is given back when it is dropped.
pub(super) struct Portion {
    bodies: LargeBodies,
    bytes: usize,
}

impl LargeBodies {
    pub(super) fn new(budget: usize) -> Self {
        Self(Arc::new(Inner { budget, held: Mutex::default(), freed: Notify::new() }))
    }

    /// Room for a body of this size, if there is any. Where nothing else is held, any body has room.
    pub(super) fn try_hold(&self, bytes: usize) -> Option<Portion> {
        let bytes = large_part(bytes);
        if bytes > 0 {
            let mut held = self.lock();
            if held.bytes > 0 && held.bytes.saturating_add(bytes) > self.0.budget {
                return None;
            }
            held.bytes += bytes;
        }
        Some(Portion { bodies: self.clone(), bytes })
    }

    /// Room for a claim: what is free, and nothing where nothing is.
    pub(super) fn reserve(&self) -> Portion {
        let mut held = self.lock();
        let bytes = self.0.budget.saturating_sub(held.bytes).min(CLAIM_BYTES);
        held.bytes += bytes;
        Portion { bodies: self.clone(), bytes }
    }

    /// Keeps wake-ups of messages that had no room until there is some. Returns them if there is already.
    pub(super) fn postpone(&self, wake_ups: WakeUps) -> WakeUps {
        let mut held = self.lock();
        if held.bytes < self.0.budget {
            return wake_ups;
        }
        held.waiting = std::mem::take(&mut held.waiting).and(wake_ups);
        WakeUps::default()
    }

    /// Completes when there is room for what was postponed, and returns that.
    pub(super) async fn freed(&self) -> WakeUps {
        self.0.freed.notified().await;
        std::mem::take(&mut self.lock().waiting)
    }

    fn give_back(&self, bytes: usize) {
        let mut held = self.lock();
        held.bytes -= bytes;
        if held.bytes < self.0.budget && !held.waiting.is_empty() {
            self.0.freed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Portion {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The part for a body of this size. A claim may have taken one message that is larger than the rest.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        let bytes = large_part(bytes);
        let missing = bytes.saturating_sub(self.bytes);
        if missing > 0 {
            self.bodies.lock().bytes += missing;
        }
        self.bytes -= bytes - missing;
        Self { bodies: self.bodies.clone(), bytes }
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.bodies.give_back(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const LARGE: usize = SMALL + 10;

    #[test]
    fn portions_stay_within_the_budget() {
        let bodies = LargeBodies::new(25);
        let first = bodies.try_hold(LARGE).expect("room");
        let second = bodies.try_hold(LARGE).expect("room");
        assert!(bodies.try_hold(LARGE).is_none());
        assert!(bodies.try_hold(SMALL).is_some(), "a small body needs no room");
        assert_eq!(bodies.reserve().bytes(), 5);
        drop(first);
        let mut claim = bodies.reserve();
        assert_eq!(claim.bytes(), 15);
        let claimed = [claim.split(SMALL), claim.split(LARGE), claim.split(LARGE)];
        assert_eq!(claim.bytes(), 0);
        assert_eq!(bodies.lock().bytes, 30, "one message more than there was room for");
        drop((second, claim, claimed));
        assert_eq!(bodies.lock().bytes, 0);
        assert!(bodies.try_hold(1000 + SMALL).is_some(), "alone it has room whatever its size");
    }

    #[test]
    fn postponed_wake_ups_are_served_when_there_is_room() {
        let bodies = LargeBodies::new(10);
        assert_eq!(bodies.postpone(WakeUps::due_now()), WakeUps::due_now());
        let held = bodies.try_hold(LARGE);
        assert_eq!(bodies.postpone(WakeUps::due_now()), WakeUps::default());
        assert!(bodies.freed().now_or_never().is_none());
        drop(held);
        assert_eq!(bodies.freed().now_or_never(), Some(WakeUps::due_now()));
        assert!(bodies.freed().now_or_never().is_none());
    }
}
