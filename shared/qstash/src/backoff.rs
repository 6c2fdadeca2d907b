//! The default delay before a retry.

use std::time::Duration;

/// The longest delay between two attempts: a day (QStash docs, "Retry").
pub const MAX_BACKOFF: Duration = Duration::from_secs(86_400);

/// `min(86400, e^(2.5·n))` seconds before retry number n (QStash docs, "Retry"): 12 s, 2m28s,
/// 30m8s, 6h7m6s, then a day each.
///
/// `retried` is the number of failures recorded before this one: 0 returns the delay of the first retry.
pub fn default_backoff(retried: u32) -> Duration {
    let seconds = (2.5 * (f64::from(retried) + 1.0)).exp();
    if seconds < MAX_BACKOFF.as_secs_f64() { Duration::from_secs_f64(seconds) } else { MAX_BACKOFF }
}

#[cfg(test)]
mod tests {
    use super::default_backoff;

    /// Wire reference, section 10: row 22.
    #[test]
    fn delays_are_the_documented_ones() {
        let seconds: Vec<u64> = (0..6).map(|n| default_backoff(n).as_secs()).collect();
        assert_eq!(seconds, [12, 148, 1808, 22026, 86_400, 86_400]);
        assert_eq!(default_backoff(u32::MAX).as_secs(), 86_400);
    }
}
