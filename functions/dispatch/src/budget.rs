//! Memory budgets in bytes. Requests over the budget wait with a timeout.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bytes per permit, because a semaphore has fewer permits than a process has bytes.
const UNIT: usize = 1024;

/// Maximum size of small bodies and pages in bytes. These have separate budgets or a limited number, so that they never
/// wait for large ones.
pub(crate) const SMALL: usize = 64 * 1024;

/// A budget of bytes.
#[derive(Debug)]
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    all: usize,
}

/// A part of a budget, returned when it is dropped.
#[derive(Debug)]
pub(crate) struct Share(OwnedSemaphorePermit);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let all = units(bytes);
        Self { free: Arc::new(Semaphore::new(all)), all }
    }

    /// Acquires a share of this size, or the whole budget for larger sizes. `None` after the timeout.
    pub(crate) async fn share(&self, bytes: usize, patience: Duration) -> Option<Share> {
        let wanted = u32::try_from(units(bytes).min(self.all)).unwrap_or(u32::MAX);
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_many_owned(wanted) {
            return Some(Share(permit));
        }
        let waited = timeout(patience, Arc::clone(&self.free).acquire_many_owned(wanted)).await;
        waited.ok()?.ok().map(Share)
    }
}

impl Share {
    pub(crate) fn bytes(&self) -> usize {
        self.0.num_permits() * UNIT
    }

    /// Returns the part of the share above this size.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.0.num_permits().saturating_sub(units(bytes));
        drop(self.0.split(surplus));
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shares_never_exceed_the_budget() {
        let budget = Budget::new(10 * UNIT);
        let share = async |bytes| budget.share(bytes, Duration::ZERO).await;
        let mut first = share(7 * UNIT + 1).await.expect("free");
        assert!(share(3 * UNIT).await.is_none());
        let second = share(2 * UNIT).await.expect("free");
        first.shrink_to(1);
        let third = share(7 * UNIT).await.expect("given back");
        assert!(share(1).await.is_none());
        drop((first, second, third));
        let whole = share(usize::MAX).await.expect("the whole budget");
        assert!(share(1).await.is_none());
        drop(whole);
    }

    #[tokio::test(start_paused = true)]
    async fn share_that_is_given_back_in_time_is_enough() {
        let budget = Budget::new(UNIT);
        let taken = budget.share(1, Duration::ZERO).await.expect("free");
        let (waited, ()) = tokio::join!(budget.share(1, Duration::from_secs(2)), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(taken);
        });
        assert!(waited.is_some());
    }
}
