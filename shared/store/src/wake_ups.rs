//! Wake-ups: how a statement changed when messages may start.
//!
//! Every statement that can make a message start, or start earlier, returns them. The dispatcher turns them into
//! timers; a process without one relies on the notification that such a statement sends.

use std::collections::BTreeMap;
use std::time::Duration;

/// When and why a dispatcher must query the database again.
#[must_use = "a wake-up that is dropped delays messages until the next rescan"]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WakeUps {
    /// Time until the first of the messages that the statement scheduled is due.
    pub due_in: Option<Duration>,
    /// Limits at which blocked messages may start, with the time until then: names as in `gates`.
    pub limits: BTreeMap<String, Duration>,
}

impl WakeUps {
    /// Returns a wake-up for messages that are due now.
    pub fn due_now() -> Self {
        Self { due_in: Some(Duration::ZERO), ..Self::default() }
    }

    /// Returns a wake-up for blocked messages that may start now at these limits.
    pub fn at_limits(limits: impl IntoIterator<Item = String>) -> Self {
        let limits = limits.into_iter().map(|limit| (limit, Duration::ZERO)).collect();
        Self { due_in: None, limits }
    }

    /// Returns whether there is no wake-up.
    pub fn is_empty(&self) -> bool {
        self.due_in.is_none() && self.limits.is_empty()
    }

    /// Adds messages that are due in this time.
    pub fn add_due(&mut self, due_in: Duration) {
        self.due_in = Some(self.due_in.map_or(due_in, |earlier| earlier.min(due_in)));
    }

    /// Adds a limit at which blocked messages may start in this time.
    pub fn add_limit(&mut self, limit: String, wake_in: Duration) {
        let earliest = self.limits.entry(limit).or_insert(wake_in);
        *earliest = wake_in.min(*earliest);
    }

    /// Merges both, each at the earlier time.
    pub fn and(mut self, other: Self) -> Self {
        other.due_in.into_iter().for_each(|due_in| self.add_due(due_in));
        other.limits.into_iter().for_each(|(limit, wake_in)| self.add_limit(limit, wake_in));
        self
    }
}

/// Converts a time until an event in seconds, as Postgres computes it. Negative means that it has passed.
pub(crate) fn time_until(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn of_two_times_the_earlier_counts() {
        let mut first = WakeUps::at_limits(["a".to_owned()]);
        first.add_due(SECOND);
        let mut second = WakeUps::due_now();
        second.add_limit("a".to_owned(), SECOND);
        second.add_limit("b".to_owned(), SECOND);
        let both = first.and(second);
        assert_eq!(both.due_in, Some(Duration::ZERO));
        assert_eq!(both.limits, [("a".to_owned(), Duration::ZERO), ("b".to_owned(), SECOND)].into());
    }

    #[test]
    fn a_time_that_has_passed_is_now() {
        assert_eq!(time_until(-3.0), Duration::ZERO);
        assert_eq!(time_until(f64::MAX), Duration::MAX);
    }
}
