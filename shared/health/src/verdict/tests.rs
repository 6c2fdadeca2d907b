use sigpost_store::alerts::Alert;
use sigpost_store::health::{DeadLetters, Dispatchers, Late, Numbers, Queue, Slowest, Stuck};
use sigpost_store::metrics::{MessageCounts, TypeMetrics};

use super::Health::{Degraded, Healthy, Unhealthy};
use super::*;

fn runs(completed: i64, failed: i64) -> Readings {
    let by_type = vec![
        TypeMetrics { job_type: "a".into(), processing: 1, completed, ..TypeMetrics::default() },
        TypeMetrics { job_type: "b".into(), failed, ..TypeMetrics::default() },
    ];
    Readings { numbers: Numbers { by_type, ..Numbers::default() }, ..Readings::default() }
}

fn messages(delivered: i64, errors: i64, failed: i64) -> Readings {
    Readings {
        messages: MessageCounts { delivered, errors, failed, ..MessageCounts::default() },
        ..Readings::default()
    }
}

fn dead_letters(in_window: i64, total: i64) -> Readings {
    let dead_letters = DeadLetters { in_window, total };
    Readings { numbers: Numbers { dead_letters, ..Numbers::default() }, ..Readings::default() }
}

fn stuck(count: i64) -> Readings {
    let stuck = Stuck { count, oldest_s: Some(700.4), message_ids: vec!["msg_1".into()] };
    Readings { numbers: Numbers { stuck, ..Numbers::default() }, ..Readings::default() }
}

/// Three due messages, with a live dispatcher or without.
fn due(oldest_s: f64, live: i64) -> Readings {
    let queue = Queue { due: 3, oldest_due_s: Some(oldest_s), ..Queue::default() };
    let dispatchers = Dispatchers { live, ..Dispatchers::default() };
    Readings { numbers: Numbers { queue, ..Numbers::default() }, dispatchers, ..Readings::default() }
}

fn hanging(oldest_s: f64, in_flight: i64, attempts: i64) -> Readings {
    let slowest = Some(Slowest { destination: "hangs.example:443".into(), attempts });
    Readings { dispatchers: Dispatchers { live: 1, in_flight, slowest }, ..due(oldest_s, 1) }
}

fn late(late_s: f64) -> Readings {
    Readings { late_schedules: vec![Late { id: "nightly".into(), late_s }], ..Readings::default() }
}

fn alert(rule: &str, severity: Severity) -> Alert {
    Alert {
        rule: rule.into(),
        subject: String::new(),
        severity,
        value: 1.0,
        message: "an alert".into(),
        opened_at_ms: 0,
        resolved: false,
        announced: true,
        notified_s_ago: None,
        notified_severity: None,
    }
}

fn alerts(alerts: Vec<Alert>) -> Readings {
    Readings { alerts, ..Readings::default() }
}

#[test]
fn verdict_follows_the_readings() {
    for (readings, level, checks) in [
        (Readings::default(), Healthy, &[][..]),
        (runs(0, 0), Healthy, &[]),
        (runs(951, 49), Healthy, &[]),
        (runs(95, 5), Degraded, &["failure-rate"]),
        (runs(90, 10), Unhealthy, &["failure-rate"]),
        (runs(0, 1), Degraded, &["failure-rate"]),
        (runs(18, 1), Degraded, &["failure-rate"]),
        (runs(0, 19), Degraded, &["failure-rate"]),
        (messages(100, 0, 0), Healthy, &[]),
        (messages(95, 5, 5), Degraded, &["failure-rate"]),
        (messages(90, 10, 10), Unhealthy, &["failure-rate", "failed-attempts"]),
        (messages(1, 1, 1), Degraded, &["failure-rate"]),
        (messages(91, 9, 0), Healthy, &[]),
        (messages(90, 10, 0), Degraded, &["failed-attempts"]),
        (messages(10, 10, 0), Unhealthy, &["failed-attempts"]),
        (messages(0, 19, 0), Healthy, &[]),
        (dead_letters(9, 2000), Healthy, &[]),
        (dead_letters(10, 10), Degraded, &["dead-letters"]),
        (dead_letters(100, 100), Unhealthy, &["dead-letters"]),
        (stuck(1), Degraded, &["stuck-runs"]),
        (stuck(10), Unhealthy, &["stuck-runs"]),
        (due(59.0, 1), Healthy, &[]),
        (due(60.0, 1), Degraded, &["queue-age"]),
        (due(300.0, 1), Unhealthy, &["queue-age"]),
        (due(119.0, 0), Degraded, &["queue-age"]),
        (due(120.0, 0), Unhealthy, &["no-dispatcher", "queue-age"]),
        (hanging(59.0, 100, 100), Healthy, &[]),
        (hanging(60.0, 100, 90), Degraded, &["queue-age", "hanging-destination"]),
        (hanging(60.0, 100, 89), Degraded, &["queue-age"]),
        (late(119.0), Healthy, &[]),
        (late(120.0), Degraded, &["schedule-missed"]),
        (late(600.0), Unhealthy, &["schedule-missed"]),
        (alerts(vec![alert("keys-old", Severity::Warning)]), Healthy, &[]),
        (alerts(vec![alert("schema-behind", Severity::Critical)]), Unhealthy, &["schema-behind"]),
    ] {
        let verdict = verdict(&readings, &Rules::default());
        let of: Vec<&str> = verdict.reasons.iter().map(|reason| reason.check.as_str()).collect();
        assert_eq!((verdict.level, &of[..]), (level, checks), "{readings:?}");
    }
}

#[test]
fn reasons_have_numbers_a_subject_and_a_runbook() {
    let text = |readings: &Readings| verdict(readings, &Rules::default()).reasons[0].text();
    assert_eq!(text(&runs(95, 5)), "5 of 100 runs in the last hour failed (5.0 %), most of type b");
    assert_eq!(text(&messages(1, 1, 1)), "1 of 2 messages in the last hour failed (50.0 %)");
    assert_eq!(text(&stuck(2)), "2 runs are stuck, the oldest began 700 s ago: msg_1");
    assert_eq!(text(&due(400.0, 1)), "3 messages are due, the oldest for 400 s");
    assert_eq!(text(&late(300.0)), "nightly: its firing is late by 300 s");
    assert_eq!(
        text(&due(400.0, 0)),
        "3 messages are due, the oldest for 400 s",
        "the most severe first, then in the order of the checks"
    );
    let reasons = verdict(&late(300.0), &Rules::default()).reasons;
    assert_eq!(
        serde_json::to_value(&reasons).expect("JSON"),
        serde_json::json!([{
            "check": "schedule-missed", "subject": "nightly", "health": "degraded",
            "message": "its firing is late by 300 s", "runbook": "guides/troubleshooting.md#schedule-missed",
        }])
    );
}

#[test]
fn critical_alert_adds_a_reason_unless_the_readings_have_it() {
    let with_alert = |readings: Readings| {
        let readings = Readings { alerts: vec![alert("queue-age", Severity::Critical)], ..readings };
        verdict(&readings, &Rules::default()).reasons.len()
    };
    assert_eq!(with_alert(Readings::default()), 1);
    assert_eq!(with_alert(due(400.0, 1)), 1);
    assert_eq!(with_alert(due(100.0, 1)), 2);
}

#[test]
fn verdict_uses_the_thresholds_of_the_deployment() {
    let rules = Rules::parse("queue-age=600:1200,dead-letters=off").expect("rules");
    assert_eq!(verdict(&due(400.0, 1), &rules).level, Healthy);
    assert_eq!(verdict(&due(1200.0, 1), &rules).level, Unhealthy);
    assert_eq!(verdict(&dead_letters(2000, 2000), &rules).level, Healthy);
}

#[test]
fn rate_is_a_number_even_when_nothing_ended() {
    assert_eq!(Readings::default().failure_rate().to_bits(), 0.0_f64.to_bits());
    assert!((runs(3, 1).failure_rate() - 0.25).abs() < f64::EPSILON);
}

#[test]
fn page_lists_each_input_of_the_verdict() {
    let page = include_str!("../../../../docs/src/guides/observability.md");
    let (_, table) = page.split_once("### Verdict").expect("a section");
    let rows: Vec<&str> = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
    let rows = rows.split(|line| line.is_empty()).next().expect("a table");
    let linked = |check: &Check| format!("| [{0}](troubleshooting.md#{0}) |", check.id);
    for check in DECISIVE {
        assert!(rows.iter().any(|row| row.contains(&linked(check))), "{} has no row", check.id);
    }
    let is_known = |row: &&&str| DECISIVE.iter().any(|check| row.contains(&linked(check)));
    assert_eq!(rows.iter().filter(|row| !is_known(row)).count(), 1, "critical alerts, and nothing else");
}
