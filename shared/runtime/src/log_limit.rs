//! A rate limit for log lines that unauthenticated requests can cause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Minimum time between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// Counts events of a kind: the first one is logged immediately, those of the next ten seconds together.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    logged: Option<Instant>,
    unlogged: u64,
}

impl LogLimit {
    /// Creates a limit without events.
    pub const fn new() -> Self {
        Self(Mutex::new(Counted { logged: None, unlogged: 0 }))
    }

    /// Counts an event. Returns the number of events since the last line if a line is due.
    pub fn count(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now())
    }
}

impl Counted {
    fn count(&mut self, now: Instant) -> Option<u64> {
        self.unlogged += 1;
        if self.logged.is_some_and(|logged| now.duration_since(logged) < EVERY) {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_ten_seconds_share_a_line() {
        let (mut counted, start) = (Counted::default(), Instant::now());
        let lines: Vec<_> = (0..25).filter_map(|s| counted.count(start + Duration::from_secs(s))).collect();
        assert_eq!(lines, [1, 10, 10]);
    }
}
