//! Counts of deliveries in this process: for Prometheus since the start, for CloudWatch since the last time.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sigpost_runtime::metrics::{
    self, ACCEPTED, DELIVERED, ERRORS, FAILED, GIVEN_BACK, IN_FLIGHT, LEASES_LOST, LISTENING, Metric, PUSH_SECONDS,
    ROOM,
};
use sigpost_store::record::Next;

use super::Dispatcher;

/// Upper bounds of the histogram of attempt durations, in seconds.
const PUSH_BUCKETS: [f64; 12] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0];

pub(super) struct Counts {
    accepted: Counter,
    delivered: Counter,
    errors: Counter,
    failed: Counter,
    given_back: Counter,
    leases_lost: Counter,
    push_seconds: Histogram,
    /// Counts already sent to CloudWatch: delivered, errors, failed.
    told: Mutex<[u64; 3]>,
}

impl Default for Counts {
    fn default() -> Self {
        let counter = Counter::<u64, AtomicU64>::default;
        Self {
            accepted: counter(),
            delivered: counter(),
            errors: counter(),
            failed: counter(),
            given_back: counter(),
            leases_lost: counter(),
            push_seconds: Histogram::new(PUSH_BUCKETS),
            told: Mutex::default(),
        }
    }
}

impl Counts {
    pub(super) fn accepted(&self) {
        self.accepted.inc();
    }

    pub(super) fn pushed(&self, took: Duration) {
        self.push_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn lease_lost(&self) {
        self.leases_lost.inc();
    }

    /// Counts a recorded delivery.
    pub(super) fn recorded(&self, next: Next) {
        match next {
            Next::Delivered => self.delivered.inc(),
            Next::Retry(_) => self.errors.inc(),
            Next::Failed => {
                self.errors.inc();
                self.failed.inc()
            }
            Next::GivenBack(_) => self.given_back.inc(),
        };
    }

    /// Returns a number that grows with each event of a message in this process.
    pub(super) fn done(&self) -> u64 {
        self.accepted.get() + self.delivered.get() + self.errors.get() + self.given_back.get()
    }

    /// Emits the counts since the last call, if they changed.
    pub(super) fn emit(&self) {
        let counts = [self.delivered.get(), self.errors.get(), self.failed.get()];
        let before = std::mem::replace(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner), counts);
        if before == counts {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 deliveries")]
        let since = |index: usize| (counts[index] - before[index]) as f64;
        metrics::emit(&[(DELIVERED, since(0)), (ERRORS, since(1)), (FAILED, since(2))]);
    }
}

impl Dispatcher {
    /// Registers the counters and gauges of this process.
    pub fn register(&self, registry: &mut Registry) {
        let counts = &self.0.counts;
        let counters = [
            (ACCEPTED, &counts.accepted),
            (DELIVERED, &counts.delivered),
            (ERRORS, &counts.errors),
            (FAILED, &counts.failed),
            (GIVEN_BACK, &counts.given_back),
            (LEASES_LOST, &counts.leases_lost),
        ];
        for (metric, counter) in counters {
            registry.register(metric.name, metric.help, counter.clone());
        }
        registry.register(PUSH_SECONDS.name, PUSH_SECONDS.help, counts.push_seconds.clone());
        let mut gauge = |metric: Metric, value: usize| {
            registry.register(metric.name, metric.help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
        };
        gauge(IN_FLIGHT, self.in_flight());
        gauge(ROOM, self.max_in_flight());
        gauge(LISTENING, usize::from(self.disconnected_since().is_none()));
    }
}
