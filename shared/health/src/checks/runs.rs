//! Runs of jobs, and attempts of messages.

use sigpost_store::alerts::Severity;

use crate::check::{count, counted, thresholds, warning};
use crate::{Check, Ended, Reading};

/// Minimum number of runs, attempts or e-mails for a rate. One failure of fewer exceeds any threshold.
pub(super) const FEWEST: i64 = 20;

/// A healthy handler fails far less often than once in twenty runs. From a tenth on, the handler or a service that it
/// calls is down. Of fewer than 20 runs it is at most a warning: one failure is not urgent, and a small deployment in
/// which every run fails is still reported.
pub static FAILURE_RATE: Check = Check {
    id: "failure-rate",
    name: "Failure rate",
    unit: "share of ended runs; of messages without runs",
    thresholds: thresholds(0.05, 0.1),
    sentence: "jobs fail",
    readings: |readings| {
        let Ended { completed, failed, are_runs } = readings.ended();
        let ended = completed + failed;
        if ended == 0 {
            return Vec::new();
        }
        let rate = readings.failure_rate();
        let worst = readings.numbers.by_type.iter().max_by_key(|one| one.failed);
        let most = worst.map(|one| format!(", most of type {}", one.job_type)).unwrap_or_default();
        let nouns = if are_runs { ("run", "runs") } else { ("message", "messages") };
        let all = counted(ended, nouns.0, nouns.1);
        let message = format!("{failed} of {all} in {} failed ({:.1} %){most}", readings.period(), rate * 100.0);
        let reading = FAILURE_RATE.reading(rate, message);
        let at_most = if ended < FEWEST { Severity::Warning } else { Severity::Critical };
        vec![Reading { at_most, ..reading }]
    },
};

/// Attempts that are retried are normal, for example while a destination is deployed; so the thresholds are higher
/// than those of [`FAILURE_RATE`]. It detects a destination that is down before retries are exhausted, and failures of
/// handlers that record no runs.
pub static FAILED_ATTEMPTS: Check = Check {
    id: "failed-attempts",
    name: "Failed attempts",
    unit: "share of attempts, of 20 or more",
    thresholds: thresholds(0.1, 0.5),
    sentence: "destinations are down or return errors",
    readings: |readings| {
        let (delivered, errors) = (readings.messages.delivered, readings.messages.errors);
        let attempts = delivered + errors;
        if attempts < FEWEST {
            return Vec::new();
        }
        let share = count(errors) / count(attempts);
        let message =
            format!("{errors} of {attempts} attempts in {} failed ({:.1} %)", readings.period(), share * 100.0);
        vec![FAILED_ATTEMPTS.reading(share, message)]
    },
};

/// One stuck run is one job, and its next delivery or a cancellation ends it. Ten mean that handlers hang or crash.
pub static STUCK_RUNS: Check = Check {
    id: "stuck-runs",
    name: "Stuck runs",
    unit: "runs",
    thresholds: thresholds(1.0, 10.0),
    sentence: "their process crashed, or the handler hangs",
    readings: |readings| {
        let stuck = &readings.numbers.stuck;
        let (stuck_runs, oldest) = (counted(stuck.count, "run is", "runs are"), stuck.oldest_s.unwrap_or_default());
        let ids = stuck.message_ids.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("{stuck_runs} stuck, the oldest began {oldest:.0} s ago: {ids}");
        vec![STUCK_RUNS.reading(count(stuck.count), message)]
    },
};

/// Each run uses a connection to the database. A small database has about a hundred.
pub static ACTIVE_RUNS: Check = Check {
    id: "active-runs",
    name: "Active runs",
    unit: "runs",
    thresholds: warning(50.0),
    sentence: "many runs are in progress, and each uses a connection to the database",
    readings: |readings| {
        let processing = readings.numbers.by_type.iter().map(|one| one.processing).sum();
        vec![ACTIVE_RUNS.reading(count(processing), counted(processing, "active run", "active runs"))]
    },
};

/// Most timeouts of jobs are 30 s or more: a longer average means that many runs time out.
pub static SLOW_RUNS: Check = Check {
    id: "slow-runs",
    name: "Run duration",
    unit: "seconds, mean of a job type",
    thresholds: warning(30.0),
    sentence: "runs take long, and those that time out begin again",
    readings: |readings| {
        let of = |one: &sigpost_store::metrics::TypeMetrics| {
            let durations = one.durations.durations()?;
            let (average, p95) = (durations.average_ms / 1000.0, durations.p95_ms / 1000.0);
            let message = format!("run duration of {}: average {average:.1} s, p95 {p95:.1} s", one.job_type);
            Some(SLOW_RUNS.reading_of(&one.job_type, average, message))
        };
        readings.numbers.by_type.iter().filter_map(of).collect()
    },
};
