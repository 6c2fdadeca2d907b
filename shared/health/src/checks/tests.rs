use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sigpost_store::alerts::{Backlog, Facts, Severity, Waiting};
use sigpost_store::health::{DeadLetters, Late, Numbers};
use sigpost_store::metrics::TypeMetrics;
use sigpost_store::processes::Process;

use super::ALL;
use crate::{Deployment, Finding, Readings, Rules, Thresholds};

const RUNBOOK: &str = include_str!("../../../../docs/src/guides/troubleshooting.md");

fn findings(readings: &Readings) -> Vec<Finding> {
    Rules::default().findings(&ALL, readings)
}

/// Returns subject, check and value of each finding.
fn wrong(readings: &Readings) -> Vec<(String, &'static str, f64)> {
    let found = findings(readings).into_iter().map(|found| found.reading);
    found.map(|reading| (reading.subject, reading.check.id, reading.value)).collect()
}

fn facts(facts: Facts) -> Readings {
    Readings { deployment: Deployment { facts, ..Deployment::default() }, ..Readings::default() }
}

fn runs(job_type: &str, completed: i64, failed: i64) -> TypeMetrics {
    TypeMetrics { job_type: job_type.into(), completed, failed, ..TypeMetrics::default() }
}

#[test]
fn ids_are_plain_and_each_there_once() {
    let ids: BTreeSet<&str> = ALL.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), ALL.len());
    for check in ALL {
        assert!(check.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", check.id);
        assert!(!check.name.is_empty() && !check.sentence.is_empty(), "{}", check.id);
        assert_ne!(check.thresholds, Thresholds::default(), "{}", check.id);
        assert_eq!(check.runbook(), format!("guides/troubleshooting.md#{}", check.id));
    }
}

#[test]
fn runbook_has_a_section_and_thresholds_for_each_check() {
    let figure = |figure: Option<f64>| figure.map(|figure| format!("{figure} ")).unwrap_or_default();
    for check in ALL {
        let id = check.id;
        assert!(RUNBOOK.contains(&format!("\n### {id}\n\n")), "{id} has no section");
        let (warning, critical) = (figure(check.thresholds.warning), figure(check.thresholds.critical));
        let row = format!("| [{id}](#{id}) | {warning}| {critical}| {} |", check.unit);
        assert!(RUNBOOK.contains(&row), "{row} is not in the table");
    }
    assert_eq!(RUNBOOK.matches("\n### ").count(), ALL.len(), "a section is about no check");
}

#[test]
fn deployment_that_does_nothing_has_no_findings() {
    assert_eq!(wrong(&Readings::default()), []);
}

#[test]
fn failures_of_a_few_runs_are_at_most_a_warning() {
    let of = |completed, failed| {
        let numbers = Numbers { by_type: vec![runs("a", completed, failed)], ..Numbers::default() };
        let found = findings(&Readings { numbers, ..Readings::default() });
        found.into_iter().map(|found| (found.reading.check.id, found.severity, found.threshold)).collect::<Vec<_>>()
    };
    assert_eq!(of(19, 0), []);
    assert_eq!(of(18, 1), [("failure-rate", Severity::Warning, 0.05)]);
    assert_eq!(of(0, 19), [("failure-rate", Severity::Warning, 0.05)]);
    assert_eq!(of(96, 4), []);
    assert_eq!(of(19, 1), [("failure-rate", Severity::Warning, 0.05)]);
    assert_eq!(of(18, 2), [("failure-rate", Severity::Critical, 0.1)]);
}

#[test]
fn bounces_of_a_few_emails_say_nothing() {
    let emails = |emails, emails_bounced| wrong(&facts(Facts { emails, emails_bounced, ..Facts::default() }));
    assert_eq!(emails(19, 19), []);
    assert_eq!(emails(20, 20), [(String::new(), "email-bounces", 1.0)]);
}

#[test]
fn clocks_that_differ_are_wrong_whichever_is_ahead() {
    let skewed = |clock_skew_s| {
        wrong(&Readings { deployment: Deployment { clock_skew_s, ..Deployment::default() }, ..Readings::default() })
    };
    assert_eq!(skewed(4.9), []);
    for ahead in [5.0, -5.0] {
        assert_eq!(skewed(ahead), [(String::new(), "clock-skew", 5.0)]);
    }
}

#[test]
fn backlog_grows_when_it_is_at_its_highest_and_never_went_away() {
    let of = |now, least_of_hour, most_before, average_before| {
        let backlog = Some(Backlog { now, least_of_hour, most_before, average_before });
        wrong(&facts(Facts { backlog, ..Facts::default() }))
    };
    assert_eq!(of(300, 120, 290, 100.0), [(String::new(), "backlog-growing", 3.0)]);
    assert_eq!(of(300, 120, 301, 100.0), [], "it shrinks");
    assert_eq!(of(300, 99, 290, 100.0), [], "it was gone within the hour");
    assert_eq!(of(199, 120, 190, 100.0), [], "it is as on other days");
    assert_eq!(of(100, 100, 100, 0.0), [(String::new(), "backlog-growing", 100.0)]);
}

#[test]
fn dead_letters_grow_when_they_are_many_more_than_a_day_ago() {
    let of = |before, total| {
        let numbers = Numbers { dead_letters: DeadLetters { in_window: 0, total }, ..Numbers::default() };
        let facts = facts(Facts { dead_letters_a_day_ago: before, ..Facts::default() });
        wrong(&Readings { numbers, ..facts })
    };
    assert_eq!(of(Some(0), 100), [(String::new(), "dead-letters-growing", 100.0)]);
    assert_eq!(of(Some(1000), 1100), [(String::new(), "dead-letters-growing", 100.0)]);
    assert_eq!(of(Some(0), 99), []);
    assert_eq!(of(Some(2000), 2199), []);
    assert_eq!(of(Some(200), 0), []);
    assert_eq!(of(None, 5000), []);
}

#[test]
fn several_subjects_of_one_check_are_told_apart() {
    let facts = Facts {
        waiting: vec![Waiting { gate: "queue:q".into(), count: 3, longest_s: 901.0 }],
        last_completions: vec![("cleanup".into(), 90.0), ("never-asked-for".into(), 1e9)],
        processes: vec![
            Process { name: "web-1/7".into(), memory_share: Some(0.95), disconnected_s: Some(61.0) },
            Process { name: "web-2/7".into(), memory_share: Some(0.79), disconnected_s: None },
            Process { name: "mac/7".into(), memory_share: None, disconnected_s: Some(59.0) },
        ],
        ..Facts::default()
    };
    let expected = BTreeMap::from([("cleanup".to_owned(), Duration::from_secs(60)), ("new".into(), Duration::ZERO)]);
    let readings = Readings {
        late_schedules: vec![Late { id: "a".into(), late_s: 119.0 }, Late { id: "b".into(), late_s: 121.0 }],
        deployment: Deployment { facts, expected, ..Deployment::default() },
        ..Readings::default()
    };
    let named = |subject: &str, check, value| (subject.to_owned(), check, value);
    assert_eq!(
        wrong(&readings),
        [
            named("cleanup", "no-completions", 1.5),
            named("b", "schedule-missed", 121.0),
            named("queue:q", "blocked-age", 901.0),
            named("web-1/7", "memory", 0.95),
            named("web-1/7", "listen-down", 61.0),
        ]
    );
}
