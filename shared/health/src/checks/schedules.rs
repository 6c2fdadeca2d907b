//! Schedules, and jobs that must complete regularly.

use crate::Check;
use crate::check::{critical, thresholds};

/// EventBridge Scheduler fires within a minute; after two minutes the tick fires instead. After ten, neither does.
pub static SCHEDULE_MISSED: Check = Check {
    id: "schedule-missed",
    name: "Late firing",
    unit: "seconds",
    thresholds: thresholds(120.0, 600.0),
    sentence: "no process fires the schedules",
    readings: |readings| {
        let of = |late: &sigpost_store::health::Late| {
            SCHEDULE_MISSED.reading_of(&late.id, late.late_s, format!("its firing is late by {:.0} s", late.late_s))
        };
        readings.late_schedules.iter().map(of).collect()
    },
};

/// The operator defines the period, so a missed one is critical.
pub static NO_COMPLETIONS: Check = Check {
    id: "no-completions",
    name: "Expected completions",
    unit: "periods without a completed run",
    thresholds: critical(1.0),
    sentence: "the job is not published, fails, or is blocked",
    readings: |readings| {
        // A type without any completed run is ignored: its first run may be still pending.
        let of = |(job_type, ago_s): &(String, f64)| {
            let period = readings.deployment.expected.get(job_type)?.as_secs_f64();
            let message = format!("the last run completed {ago_s:.0} s ago; one is expected every {period:.0} s");
            Some(NO_COMPLETIONS.reading_of(job_type, ago_s / period, message))
        };
        readings.deployment.facts.last_completions.iter().filter_map(of).collect()
    },
};
