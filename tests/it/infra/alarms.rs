//! Alarms and dashboard use metrics that exist.

use std::collections::BTreeSet;

use serde_json::Value;
use sigpost_runtime::metrics::{DELIVERED, ERRORS, FAILED, MEMORY_SHARE, OLDEST_DUE_AGE, TICK};

use super::{Stack, packages};

/// Published metrics by namespace. Dispatch writes those of sigpost, and every function writes its memory share.
const METRICS: [(&str, &[&str]); 3] = [
    ("sigpost", &[OLDEST_DUE_AGE.name, FAILED.name, TICK.name, MEMORY_SHARE.name, DELIVERED.name, ERRORS.name]),
    ("AWS/Lambda", &["Errors", "Throttles", "Duration", "ConcurrentExecutions"]),
    ("AWS/SQS", &["ApproximateNumberOfMessagesVisible"]),
];

fn alarms() -> Stack {
    Stack::of("alarms.yaml", &[("Deployment", "sigpost-test"), ("Topic", "arn:topic"), ("DeadInvocations", "dead")])
}

fn exists(namespace: &str, metric: &str) -> bool {
    METRICS.iter().any(|(known, metrics)| *known == namespace && metrics.contains(&metric))
}

#[test]
fn every_alarm_has_an_existing_metric_and_an_action() {
    let stack = alarms();
    for (name, alarm) in stack.all("AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        let text = |key: &str| properties[key].as_str().expect("a text");
        assert!(exists(text("Namespace"), text("MetricName")), "{name}");
        let dimension = &properties["Dimensions"][0];
        match text("Namespace") {
            "sigpost" => {
                assert_eq!((&dimension["Name"], &dimension["Value"]), (&"Deployment".into(), &"sigpost-test".into()))
            }
            "AWS/Lambda" => assert_eq!(dimension["Name"], "FunctionName", "{name}"),
            _ => assert_eq!(dimension["Value"], "dead", "{name}"),
        }
        assert_eq!(properties["AlarmActions"][0], "arn:topic", "{name}");
    }
    // Missing data is the symptom.
    assert_eq!(stack.resources["TickMissing"]["Properties"]["TreatMissingData"], "breaching");
}

#[test]
fn every_function_has_alarms_for_errors_and_throttles() {
    let stack = alarms();
    for metric in ["Errors", "Throttles"] {
        let watched: BTreeSet<String> = stack
            .all("AWS::CloudWatch::Alarm")
            .into_iter()
            .filter(|(_, alarm)| alarm["Properties"]["MetricName"] == metric)
            .map(|(_, alarm)| alarm["Properties"]["Dimensions"][0]["Value"].as_str().expect("a name").to_owned())
            .collect();
        let expected: BTreeSet<String> = packages().iter().map(|package| format!("sigpost-test-{package}")).collect();
        assert_eq!(watched, expected, "{metric}");
    }
}

#[test]
fn dashboard_shows_existing_metrics() {
    let stack = alarms();
    let body = stack.resources["Dashboard"]["Properties"]["DashboardBody"].as_str().expect("a text");
    let body: Value = serde_json::from_str(body).expect("JSON");
    let mut shown = 0;
    for widget in body["widgets"].as_array().expect("widgets") {
        for metric in widget["properties"]["metrics"].as_array().expect("metrics") {
            let text = |index: usize| metric[index].as_str().expect("a text");
            assert!(exists(text(0), text(1)), "{metric}");
            let of = text(3);
            let package = of.strip_prefix("sigpost-test-");
            assert!(of == "sigpost-test" || packages().iter().any(|known| package == Some(known)), "{metric}");
            shown += 1;
        }
    }
    assert!(shown >= 5);
}
