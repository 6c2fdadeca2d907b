//! Count of the sink: requests, duplicates, and the time from publish to receipt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::load::job;
use crate::series::percentile;

/// Maximum number of a job. Greater numbers are not from the bench and would need a large bitmap.
const MOST_JOBS: u64 = 1 << 26;

/// Counts received jobs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    received: u64,
    /// One bit for each number.
    seen: Vec<u64>,
    distinct: u64,
    unreadable: u64,
    delays_ns: Vec<u64>,
    first_sent_ns: Option<u64>,
    first_received_ns: Option<u64>,
    last_received_ns: Option<u64>,
}

/// A tally as `GET /stats` returns it. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stats {
    /// Requests with a body.
    pub(crate) received: u64,
    /// Different jobs among them.
    pub(crate) distinct: u64,
    /// Requests with a job that had been received before.
    pub(crate) duplicates: u64,
    /// Requests whose body is not a job.
    pub(crate) unreadable: u64,
    /// Time of the first publish among the received jobs.
    pub(crate) first_sent_ns: Option<u64>,
    /// Time of the first receipt.
    pub(crate) first_received_ns: Option<u64>,
    /// Time of the last receipt.
    pub(crate) last_received_ns: Option<u64>,
    /// From publish to receipt, in milliseconds.
    pub(crate) delay_p50_ms: f64,
    /// The same.
    pub(crate) delay_p99_ms: f64,
    /// The same.
    pub(crate) delay_max_ms: f64,
}

impl Tally {
    /// Counts a received body.
    pub(crate) fn count(&mut self, body: &[u8], now_ns: u64) {
        self.received += 1;
        self.first_received_ns.get_or_insert(now_ns);
        self.last_received_ns = Some(now_ns);
        match job::read(body) {
            Some((id, sent_ns)) if id < MOST_JOBS => {
                self.delays_ns.push(now_ns.saturating_sub(sent_ns));
                self.first_sent_ns = Some(self.first_sent_ns.map_or(sent_ns, |first| first.min(sent_ns)));
                self.mark(id);
            }
            _ => self.unreadable += 1,
        }
    }

    /// Different jobs so far.
    pub(crate) fn distinct(&self) -> u64 {
        self.distinct
    }

    /// Returns all counts.
    pub(crate) fn stats(&self) -> Stats {
        let mut delays_ms: Vec<f64> = self.delays_ns.iter().map(|ns| *ns as f64 / 1e6).collect();
        delays_ms.sort_by(f64::total_cmp);
        Stats {
            received: self.received,
            distinct: self.distinct,
            duplicates: self.received - self.distinct - self.unreadable,
            unreadable: self.unreadable,
            first_sent_ns: self.first_sent_ns,
            first_received_ns: self.first_received_ns,
            last_received_ns: self.last_received_ns,
            delay_p50_ms: percentile(&delays_ms, 0.5),
            delay_p99_ms: percentile(&delays_ms, 0.99),
            delay_max_ms: percentile(&delays_ms, 1.0),
        }
    }

    fn mark(&mut self, id: u64) {
        let (word, bit) = ((id / 64) as usize, 1_u64 << (id % 64));
        if word >= self.seen.len() {
            self.seen.resize(word + 1, 0);
        }
        self.distinct += u64::from(self.seen[word] & bit == 0);
        self.seen[word] |= bit;
    }
}

impl Stats {
    /// Returns the counts as if this many more jobs were received after `delay`, later than all others.
    pub(crate) fn with_missing(mut self, missing: u64, delay: Duration) -> Self {
        let (received, jobs) = (self.received as f64, (self.received + missing) as f64);
        let delay_ms = delay.as_secs_f64() * 1e3;
        for (share, figure) in
            [(0.5, &mut self.delay_p50_ms), (0.99, &mut self.delay_p99_ms), (1.0, &mut self.delay_max_ms)]
        {
            if (share * jobs).ceil() > received {
                *figure = delay_ms;
            }
        }
        self
    }

    /// Jobs per second from the first receipt to the last.
    pub(crate) fn receipts_per_second(&self) -> f64 {
        // n receipts have n - 1 intervals between them.
        rate(self.received.saturating_sub(1), self.first_received_ns, self.last_received_ns)
    }

    /// Jobs per second from the first publish to the last receipt.
    pub(crate) fn jobs_per_second(&self) -> f64 {
        rate(self.received, self.first_sent_ns, self.last_received_ns)
    }
}

fn rate(count: u64, from_ns: Option<u64>, to_ns: Option<u64>) -> f64 {
    match from_ns.zip(to_ns) {
        Some((from, to)) if to > from => count as f64 * 1e9 / (to - from) as f64,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_comes_twice_is_counted_as_a_duplicate_and_noise_as_noise() {
        let mut tally = Tally::default();
        for (id, sent_ns, now_ns) in [(64, 1_000_000, 2_000_000), (0, 1_500_000, 4_000_000), (64, 1_000_000, 5_000_000)]
        {
            tally.count(&job::body(id, sent_ns), now_ns);
        }
        tally.count(b"not a job", 6_000_000);

        let expected = Stats {
            received: 4,
            distinct: 2,
            duplicates: 1,
            unreadable: 1,
            first_sent_ns: Some(1_000_000),
            first_received_ns: Some(2_000_000),
            last_received_ns: Some(6_000_000),
            delay_p50_ms: 2.5,
            delay_p99_ms: 4.0,
            delay_max_ms: 4.0,
        };
        assert_eq!(tally.stats(), expected);
    }

    #[test]
    fn missing_jobs_count_as_the_slowest() {
        let received = |received| Stats { received, delay_p50_ms: 1.0, delay_p99_ms: 2.0, ..Stats::default() };
        let delays = |stats: Stats| [stats.delay_p50_ms, stats.delay_p99_ms];
        let minute = Duration::from_secs(60);
        assert_eq!(delays(received(400).with_missing(0, minute)), [1.0, 2.0]);
        assert_eq!(delays(received(390).with_missing(10, minute)), [1.0, 60_000.0]);
        assert_eq!(delays(received(0).with_missing(400, minute)), [60_000.0, 60_000.0]);
    }

    #[test]
    fn rates_count_what_happened_after_their_first_moment() {
        let mut tally = Tally::default();
        assert_eq!((tally.stats().receipts_per_second(), tally.stats().jobs_per_second()), (0.0, 0.0));
        for id in 0..11 {
            tally.count(&job::body(id, 1_000_000_000), 2_000_000_000 + id * 100_000_000);
        }
        assert_eq!(tally.stats().receipts_per_second(), 10.0);
        assert_eq!(tally.stats().jobs_per_second(), 5.5);
    }
}
