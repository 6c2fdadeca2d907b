//! The verdict on job health, a pure function of the measurements.

use sigpost_qstash::admin::Health;

use super::Numbers;
use crate::metrics::{TypeMetrics, failure_rate};

/// Share of failed runs from which on the health is unhealthy.
const UNHEALTHY_FAILURE_RATE: f64 = 0.05;
/// Age of a due message in seconds from which on the health is degraded.
const LATE_S: f64 = 300.0;

/// Returns the verdict, and the reasons if it is not healthy.
pub(super) fn assess(numbers: &Numbers) -> (Health, Vec<String>) {
    let mut health = Health::Healthy;
    let mut reasons = Vec::new();
    if numbers.stuck.count > 0 {
        health = Health::Degraded;
        let oldest = numbers.stuck.oldest_s.unwrap_or_default();
        reasons.push(format!("{} runs are stuck, the oldest began {oldest:.0} s ago", numbers.stuck.count));
    }
    if let Some(late) = numbers.queue.oldest_due_s.filter(|seconds| *seconds > LATE_S) {
        health = Health::Degraded;
        reasons.push(format!("{} messages are due, the oldest for {late:.0} s", numbers.queue.due));
    }
    let rate = overall_failure_rate(&numbers.by_type);
    if rate >= UNHEALTHY_FAILURE_RATE {
        health = Health::Unhealthy;
        reasons.push(format!("{:.1} % of the runs failed", rate * 100.0));
    }
    (health, reasons)
}

/// Returns the share of failed runs among all ended ones, over all types.
pub(super) fn overall_failure_rate(by_type: &[TypeMetrics]) -> f64 {
    failure_rate(by_type.iter().map(|counts| counts.completed).sum(), by_type.iter().map(|counts| counts.failed).sum())
}

#[cfg(test)]
mod tests {
    use super::super::{Queue, Stuck};
    use super::*;

    fn numbers(completed: i64, failed: i64, stuck: i64, oldest_due_s: Option<f64>) -> Numbers {
        Numbers {
            by_type: vec![
                TypeMetrics { job_type: "a".into(), processing: 1, completed, ..TypeMetrics::default() },
                TypeMetrics { job_type: "b".into(), failed, ..TypeMetrics::default() },
            ],
            stuck: Stuck { count: stuck, oldest_s: (stuck > 0).then_some(700.4), message_ids: vec![] },
            queue: Queue { due: 3, oldest_due_s, ..Queue::default() },
            ..Numbers::default()
        }
    }

    #[test]
    fn verdict_follows_the_numbers() {
        use Health::{Degraded, Healthy, Unhealthy};
        for (completed, failed, stuck, due_s, health, reasons) in [
            (0, 0, 0, None, Healthy, vec![]),
            (100, 0, 0, Some(300.0), Healthy, vec![]),
            (951, 49, 0, None, Healthy, vec![]),
            (95, 5, 0, None, Unhealthy, vec!["5.0 % of the runs failed"]),
            (0, 1, 0, None, Unhealthy, vec!["100.0 % of the runs failed"]),
            (100, 0, 2, None, Degraded, vec!["2 runs are stuck, the oldest began 700 s ago"]),
            (0, 0, 0, Some(300.1), Degraded, vec!["3 messages are due, the oldest for 300 s"]),
            (
                9,
                1,
                1,
                Some(400.0),
                Unhealthy,
                vec![
                    "1 runs are stuck, the oldest began 700 s ago",
                    "3 messages are due, the oldest for 400 s",
                    "10.0 % of the runs failed",
                ],
            ),
        ] {
            let verdict = assess(&numbers(completed, failed, stuck, due_s));
            assert_eq!(verdict, (health, reasons.into_iter().map(str::to_owned).collect()));
        }
    }

    #[test]
    fn rate_is_a_number_even_when_nothing_ended() {
        assert!(assess(&Numbers::default()).1.is_empty());
        assert_eq!(failure_rate(0, 0).to_bits(), 0.0_f64.to_bits());
        assert!((failure_rate(3, 1) - 0.25).abs() < f64::EPSILON);
    }
}
