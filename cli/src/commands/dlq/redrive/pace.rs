//! Rate limit of a redrive.

use std::str::FromStr;
use std::time::Duration;

use tokio::time::Instant;

use super::super::list::PAGE;

/// Batches per second at higher rates: enough for an even rate, with few requests.
const BATCHES_PER_SECOND: f64 = 5.0;

/// Maximum rate of a redrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    per_second: f64,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(count, unit)| {
            let seconds = match unit {
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
            let count = count.parse::<u32>().ok().filter(|count| *count > 0)?;
            Some(Self { per_second: f64::from(count) / seconds })
        });
        parsed.ok_or_else(|| "expected a rate such as 50/s, 600/m or 100/h".to_owned())
    }
}

/// Spaces batches so that no second exceeds the rate by more than one batch. Does not catch up after a delay.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Rate,
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, next: None }
    }

    /// Returns the batch size.
    pub(super) fn batch(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and a page")]
        let batch = (self.rate.per_second / BATCHES_PER_SECOND).min(100.0) as usize;
        batch.clamp(1, PAGE)
    }

    /// Returns when a batch of this size may be sent, and delays the next one accordingly.
    pub(super) fn due(&mut self, count: usize, now: Instant) -> Instant {
        let due = self.next.map_or(now, |next| next.max(now));
        let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        self.next = Some(due + Duration::from_secs_f64(count / self.rate.per_second));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_and_a_unit() {
        let per_second = |text: &str| text.parse::<Rate>().map(|rate| rate.per_second).ok();
        assert_eq!(per_second("50/s"), Some(50.0));
        assert_eq!(per_second("600/m"), Some(10.0));
        assert_eq!(per_second("3600/h"), Some(1.0));
        for wrong in ["50", "0/s", "-1/s", "1.5/s", "50/d", "/s", "50 / s"] {
            assert_eq!(per_second(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn batches_are_even_and_lost_time_is_not_made_up_for() {
        let mut pace = Pace::new("50/s".parse().expect("a rate"));
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        assert_eq!(pace.batch(), 10);
        assert_eq!(pace.due(10, start), start);
        assert_eq!(pace.due(10, ms(20)), ms(200));
        // The batch took long.
        assert_eq!(pace.due(10, ms(900)), ms(900));
        assert_eq!(pace.due(5, ms(901)), ms(1100));
        assert_eq!(pace.due(10, ms(1101)), ms(1200));
        for (rate, batch) in [("1/h", 1), ("4/s", 1), ("100000/s", 100)] {
            assert_eq!(Pace::new(rate.parse().expect("a rate")).batch(), batch, "{rate}");
        }
    }
}
