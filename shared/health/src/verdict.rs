//! The verdict on job health, a pure function of the readings.

use sigpost_qstash::admin::{Health, Reason, Severity};

use crate::check::runbook;
use crate::checks::{
    DEAD_LETTERS, FAILED_ATTEMPTS, FAILURE_RATE, HANGING_DESTINATION, NO_DISPATCHER, QUEUE_AGE, SCHEDULE_MISSED,
    STUCK_RUNS,
};
use crate::{Check, Readings, Rules};

/// Checks that decide the verdict: those that show whether messages are delivered and jobs complete. The other checks
/// take part through their critical alerts.
static DECISIVE: [&Check; 8] = [
    &FAILURE_RATE,
    &FAILED_ATTEMPTS,
    &DEAD_LETTERS,
    &STUCK_RUNS,
    &QUEUE_AGE,
    &SCHEDULE_MISSED,
    &NO_DISPATCHER,
    &HANGING_DESTINATION,
];

/// Maximum number of reasons, the most severe first.
const MOST_REASONS: usize = 20;

/// The health, with the reasons if it is not healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The health: the worst of the reasons.
    pub level: Health,
    /// The reasons, the most severe first.
    pub reasons: Vec<Reason>,
}

fn reason(check: &str, subject: &str, severity: Severity, message: &str) -> Reason {
    Reason {
        check: check.to_owned(),
        subject: subject.to_owned(),
        health: severity.into(),
        message: message.to_owned(),
        runbook: runbook(check),
    }
}

/// Returns the verdict on these readings. `docs/src/guides/observability.md` has the table.
pub fn verdict(readings: &Readings, rules: &Rules) -> Verdict {
    let findings = rules.findings(&DECISIVE, readings);
    let mut reasons: Vec<Reason> = findings
        .iter()
        .map(|found| {
            let reading = &found.reading;
            reason(reading.check.id, &reading.subject, found.severity, &reading.message)
        })
        .collect();
    for alert in readings.alerts.iter().filter(|alert| alert.severity == Severity::Critical) {
        let reason = reason(&alert.rule, &alert.subject, alert.severity, &alert.message);
        let is_same = |other: &Reason| {
            (&other.check, &other.subject, other.health) == (&reason.check, &reason.subject, reason.health)
        };
        if !reasons.iter().any(is_same) {
            reasons.push(reason);
        }
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.health));
    reasons.truncate(MOST_REASONS);
    Verdict { level: reasons.first().map_or(Health::Healthy, |reason| reason.health), reasons }
}

#[cfg(test)]
mod tests;
