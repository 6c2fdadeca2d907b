//! Memory budget for large bodies in flight. Small bodies are limited by the number of messages in flight, so that they
//! never wait for large ones.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sigpost_store::WakeUps;
use tokio::sync::Notify;

use crate::budget::SMALL;

/// Maximum size of large bodies in one claim in bytes, except for a single body.
const CLAIM_BYTES: usize = 16 * 1024 * 1024;

/// Returns the part of a body that counts: the bytes above the size of a small body.
pub(super) fn large_part(bytes: usize) -> usize {
    bytes.saturating_sub(SMALL)
}

/// The memory budget of a process. Clones share it.
#[derive(Clone)]
pub(super) struct LargeBodies(Arc<Inner>);

struct Inner {
    budget: usize,
    held: Mutex<Held>,
    /// Notified when there is room for postponed wake-ups.
    freed: Notify,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    /// Wake-ups of messages without room.
    waiting: WakeUps,
}

/// A part of the budget, released when it is dropped.
pub(super) struct Portion {
    bodies: LargeBodies,
    bytes: usize,
}

impl LargeBodies {
    pub(super) fn new(budget: usize) -> Self {
        Self(Arc::new(Inner { budget, held: Mutex::default(), freed: Notify::new() }))
    }

    /// Reserves room for a body of this size. Without other reservations, any body has room.
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

    /// Reserves the free room for a claim, possibly nothing.
    pub(super) fn reserve(&self) -> Portion {
        let mut held = self.lock();
        let bytes = self.0.budget.saturating_sub(held.bytes).min(CLAIM_BYTES);
        held.bytes += bytes;
        Portion { bodies: self.clone(), bytes }
    }

    /// Keeps wake-ups of messages without room until there is room. Returns them if there is room already.
    pub(super) fn postpone(&self, wake_ups: WakeUps) -> WakeUps {
        let mut held = self.lock();
        if held.bytes < self.0.budget {
            return wake_ups;
        }
        held.waiting = std::mem::take(&mut held.waiting).and(wake_ups);
        WakeUps::default()
    }

    /// Waits for room for postponed wake-ups, and returns them.
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

    /// Splits off the part for a body of this size. A claim may contain one message that exceeds its room.
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
