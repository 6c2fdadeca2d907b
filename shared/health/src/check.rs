//! What a check is, and how a value becomes a level.

use sigpost_store::alerts::Severity;

use crate::Readings;

/// A health check. Its values are in `unit`, and a higher one is worse.
#[derive(Debug)]
pub struct Check {
    /// Stable ID: in `ALERT_RULES`, in alerts, and as the section of the runbook.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// Unit of values and thresholds.
    pub unit: &'static str,
    /// Default thresholds. `ALERT_RULES` overrides them.
    pub thresholds: Thresholds,
    /// What a value at a threshold means. `sigpost doctor` prints it.
    pub sentence: &'static str,
    /// Returns the values of each subject, with a message for people. Without a measurement there is none.
    pub readings: fn(&Readings) -> Vec<Reading>,
}

impl Check {
    /// Returns the section of the book that explains the check, as page and anchor.
    pub fn runbook(&self) -> String {
        runbook(self.id)
    }

    /// Returns a reading of the whole deployment.
    pub(crate) fn reading(&'static self, value: f64, message: String) -> Reading {
        self.reading_of("", value, message)
    }

    /// Returns a reading of one of several subjects.
    pub(crate) fn reading_of(&'static self, subject: &str, value: f64, message: String) -> Reading {
        Reading { check: self, subject: subject.to_owned(), value, message, at_most: Severity::Critical }
    }
}

/// Returns the section of a check.
pub(crate) fn runbook(id: &str) -> String {
    format!("guides/troubleshooting.md#{id}")
}

/// Values from which on a check is a warning or critical. Without a threshold that level does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Requires attention within a day.
    pub warning: Option<f64>,
    /// Requires immediate attention.
    pub critical: Option<f64>,
}

impl Thresholds {
    /// Returns the level of a value; `None` if the check passes.
    pub fn level(self, value: f64) -> Option<Severity> {
        self.reached(value).map(|(severity, _)| severity)
    }

    /// Returns the level of a value with the threshold that it reached.
    pub(crate) fn reached(self, value: f64) -> Option<(Severity, f64)> {
        let over = |threshold: Option<f64>, severity| {
            threshold.filter(|threshold| value >= *threshold).map(|threshold| (severity, threshold))
        };
        over(self.critical, Severity::Critical).or_else(|| over(self.warning, Severity::Warning))
    }
}

pub(crate) const fn warning(warning: f64) -> Thresholds {
    Thresholds { warning: Some(warning), critical: None }
}

pub(crate) const fn critical(critical: f64) -> Thresholds {
    Thresholds { warning: None, critical: Some(critical) }
}

pub(crate) const fn thresholds(warning: f64, critical: f64) -> Thresholds {
    Thresholds { warning: Some(warning), critical: Some(critical) }
}

/// A value of a check.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The check.
    pub check: &'static Check,
    /// The subject, if the check has several; empty otherwise.
    pub subject: String,
    /// The value.
    pub value: f64,
    /// The value in a sentence.
    pub message: String,
    /// Highest level, for values that too little data supports.
    pub(crate) at_most: Severity,
}

#[expect(clippy::cast_precision_loss, reason = "counts of fewer than 2^53 things")]
pub(crate) fn count(number: i64) -> f64 {
    number as f64
}

/// Formats a count with its noun.
pub(crate) fn counted(number: i64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;

    #[test]
    fn value_at_its_threshold_has_the_level() {
        use Severity::{Critical, Warning};
        for (check, value, level) in [
            (&checks::FAILURE_RATE, 0.0499, None),
            (&checks::FAILURE_RATE, 0.05, Some(Warning)),
            (&checks::FAILURE_RATE, 0.10, Some(Critical)),
            (&checks::ACTIVE_RUNS, 1e9, Some(Warning)),
            (&checks::STUCK_RUNS, 1.0, Some(Warning)),
            (&checks::STUCK_RUNS, 10.0, Some(Critical)),
            (&checks::QUEUE_AGE, 59.9, None),
            (&checks::QUEUE_AGE, 60.0, Some(Warning)),
            (&checks::QUEUE_AGE, 300.0, Some(Critical)),
            (&checks::QUEUE_DEPTH, 99.0, None),
            (&checks::QUEUE_DEPTH, 100.0, Some(Warning)),
            (&checks::QUEUE_DEPTH, 10_000.0, Some(Critical)),
            (&checks::DATABASE_SLOW, 0.0499, None),
            (&checks::DATABASE_SLOW, 0.05, Some(Warning)),
            (&checks::DATABASE_SLOW, 0.5, Some(Critical)),
            (&checks::QUERY_LONG, 299.0, None),
            (&checks::QUERY_LONG, 300.0, Some(Warning)),
            (&checks::QUERY_LONG, 3600.0, Some(Critical)),
            (&checks::SCHEDULE_MISSED, 119.0, None),
            (&checks::SCHEDULE_MISSED, 120.0, Some(Warning)),
            (&checks::SCHEDULE_MISSED, 600.0, Some(Critical)),
            (&checks::PARTITIONS_MISSING, 2.0, Some(Warning)),
            (&checks::PARTITIONS_MISSING, 3.0, Some(Critical)),
        ] {
            assert_eq!(check.thresholds.level(value), level, "{} {value}", check.id);
        }
    }
}
