//! The report of job health, as `GET /api/admin/job-health` returns it and check-job-health records it.

use jiff::Timestamp;
use sigpost_qstash::admin::{DeadLetterCounts, Durations, Open, Report, StatusCount, StuckRuns, TypeReport};
use sigpost_store::health::Numbers;
use sigpost_store::metrics::{self, TypeMetrics, failure_rate, milli};
use sigpost_store::runs::RunStatus;

use crate::{Ended, Readings, Rules, Verdict, verdict};

/// Returns the report for the measurements of a window.
///
/// If no handler records runs, `stats`, `total_jobs` and `failure_rate` count finished messages.
pub fn report(readings: Readings, rules: &Rules) -> Report {
    let Verdict { level, reasons } = verdict(&readings, rules);
    let stats = RunStatus::ALL
        .map(|status| StatusCount { status: status.as_str().to_owned(), count: of_status(&readings, status) });
    let (failure_rate, window) = (readings.failure_rate(), readings.window);
    let Numbers { by_type, stuck, queue, dead_letters, durations, last_completed_at_ms } = readings.numbers;
    Report {
        failure_rate,
        total_jobs: stats.iter().map(|status| status.count).sum(),
        stats: stats.into(),
        health: level,
        reasons,
        window_seconds: window.length().as_secs(),
        by_type: by_type.into_iter().map(type_report).collect(),
        stuck: StuckRuns {
            count: stuck.count,
            oldest_seconds: stuck.oldest_s.map(milli),
            message_ids: stuck.message_ids,
        },
        queue: Open {
            due: queue.due,
            scheduled: queue.scheduled,
            waiting: queue.waiting,
            active: queue.active,
            oldest_due_s: queue.oldest_due_s.map(milli),
        },
        dead_letters: DeadLetterCounts { in_window: dead_letters.in_window, total: dead_letters.total },
        durations: durations.map(rounded),
        last_completed_at: last_completed_at_ms
            .and_then(|ms| Timestamp::from_millisecond(ms).ok())
            .map(|time| time.to_string()),
    }
}

fn type_report(metrics: TypeMetrics) -> TypeReport {
    let TypeMetrics { job_type, processing, completed, failed, .. } = metrics;
    TypeReport { failure_rate: failure_rate(completed, failed), job_type, processing, completed, failed }
}

fn rounded(durations: metrics::Durations) -> Durations {
    Durations {
        average_ms: milli(durations.average_ms),
        p50_ms: milli(durations.p50_ms),
        p95_ms: milli(durations.p95_ms),
        p99_ms: milli(durations.p99_ms),
    }
}

fn of_status(readings: &Readings, status: RunStatus) -> i64 {
    let Ended { completed, failed, .. } = readings.ended();
    match status {
        RunStatus::Processing => readings.numbers.by_type.iter().map(|one| one.processing).sum(),
        RunStatus::Completed => completed,
        RunStatus::Failed => failed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{json, to_value};

    use sigpost_store::health;
    use sigpost_store::metrics::{MessageCounts, Window};

    use super::*;

    fn shown(readings: Readings) -> serde_json::Value {
        to_value(report(readings, &Rules::default())).expect("JSON")
    }

    #[test]
    fn idle_deployment_is_healthy_and_has_no_rate_but_zero() {
        let expected = json!({
            "stats": [
                { "status": "processing", "count": 0 }, { "status": "completed", "count": 0 }, { "status": "failed", "count": 0 },
            ],
            "failureRate": 0.0, "totalJobs": 0, "health": "healthy", "reasons": [], "windowSeconds": 3600, "byType": [],
            "stuck": { "count": 0, "oldestSeconds": null, "messageIds": [] },
            "queue": { "due": 0, "scheduled": 0, "active": 0, "waiting": 0, "oldestDueSeconds": null },
            "deadLetters": { "inWindow": 0, "total": 0 },
            "durations": null, "lastCompletedAt": null,
        });
        assert_eq!(shown(Readings::default()), expected);
    }

    #[test]
    fn busy_deployment_is_shown_by_type_and_status() {
        let numbers = Numbers {
            by_type: vec![
                TypeMetrics { job_type: "cleanup-old-data".into(), completed: 1, failed: 1, ..TypeMetrics::default() },
                TypeMetrics { job_type: "send-email".into(), processing: 2, completed: 98, ..TypeMetrics::default() },
            ],
            stuck: health::Stuck { count: 1, oldest_s: Some(700.123_456), message_ids: vec!["msg_1".into()] },
            queue: health::Queue { due: 4, scheduled: 5, active: 6, waiting: 7, oldest_due_s: Some(1.5) },
            dead_letters: health::DeadLetters { in_window: 7, total: 8 },
            durations: Some(metrics::Durations { average_ms: 1.234_56, p50_ms: 1.0, p95_ms: 2.0, p99_ms: 3.0 }),
            last_completed_at_ms: Some(1_763_800_000_123),
        };
        let window = Window::new(Duration::from_secs(60));
        let shown = shown(Readings { numbers, window, ..Readings::default() });
        let expected = json!({
            "stats": [
                { "status": "processing", "count": 2 }, { "status": "completed", "count": 99 }, { "status": "failed", "count": 1 },
            ],
            "failureRate": 0.01, "totalJobs": 102, "health": "degraded",
            "reasons": [{
                "check": "stuck-runs", "health": "degraded",
                "message": "1 run is stuck, the oldest began 700 s ago: msg_1",
                "runbook": "guides/troubleshooting.md#stuck-runs",
            }],
            "windowSeconds": 60,
            "byType": [
                { "type": "cleanup-old-data", "processing": 0, "completed": 1, "failed": 1, "failureRate": 0.5 },
                { "type": "send-email", "processing": 2, "completed": 98, "failed": 0, "failureRate": 0.0 },
            ],
            "stuck": { "count": 1, "oldestSeconds": 700.123, "messageIds": ["msg_1"] },
            "queue": { "due": 4, "scheduled": 5, "active": 6, "waiting": 7, "oldestDueSeconds": 1.5 },
            "deadLetters": { "inWindow": 7, "total": 8 },
            "durations": { "averageMs": 1.235, "p50Ms": 1.0, "p95Ms": 2.0, "p99Ms": 3.0 },
            "lastCompletedAt": "2025-11-22T08:26:40.123Z",
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn finished_messages_count_where_no_handler_records_runs() {
        let messages = MessageCounts { accepted: 9, delivered: 3, errors: 4, failed: 1, canceled: 2 };
        let shown = shown(Readings { messages, ..Readings::default() });
        let expected = json!([
            { "status": "processing", "count": 0 }, { "status": "completed", "count": 3 }, { "status": "failed", "count": 1 },
        ]);
        assert_eq!((&shown["stats"], &shown["totalJobs"], &shown["failureRate"]), (&expected, &json!(4), &json!(0.25)));
    }
}
