//! What came of deliveries since it was last told, for CloudWatch.

use std::sync::atomic::{AtomicU32, Ordering};

use sigpost_runtime::metrics::{self, DEAD_LETTERS, DELIVERED, FAILED, Unit};
use sigpost_store::record::Next;

#[derive(Default)]
pub(super) struct Counts {
    delivered: AtomicU32,
    failed: AtomicU32,
    dead_letters: AtomicU32,
}

impl Counts {
    /// A delivery was recorded.
    pub(super) fn count(&self, next: Next) {
        let counted: &[&AtomicU32] = match next {
            Next::Delivered => &[&self.delivered],
            Next::Retry(_) => &[&self.failed],
            Next::Failed => &[&self.failed, &self.dead_letters],
            Next::GivenBack => &[],
        };
        for count in counted {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes what was counted since the last time, if anything was.
    pub(super) fn emit(&self) {
        let counts = [(DELIVERED, &self.delivered), (FAILED, &self.failed), (DEAD_LETTERS, &self.dead_letters)];
        let counted = counts.map(|(name, count)| (name, Unit::Count, f64::from(count.swap(0, Ordering::Relaxed))));
        if counted.iter().any(|(.., count)| *count > 0.0) {
            metrics::emit(&counted);
        }
    }
}
