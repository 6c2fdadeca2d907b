//! `GET /metrics`, the dashboards that use it, and the page that lists its metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use admin::AdminToken;
use dispatch::dispatcher::StepKind;
use serde_json::Value;
use sigpost_runtime::Memory;
use sigpost_runtime::metrics::{ALL, MEMORY_SHARE, TICK};

use super::TOKEN;
use crate::jobs::deployment::{listen, serve};
use crate::support::{Answer, TestApp};

/// Returns the names in a scrape without the suffixes of counters and histograms.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter_map(|word| word.strip_prefix("sigpost_"));
    names
        .map(|name| {
            let endings = ["_total", "_bucket", "_sum", "_count"];
            endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).to_owned()
        })
        .collect()
}

/// Returns the rules of `promtool check metrics` that this text violates.
fn lint(text: &str) -> Vec<String> {
    let (mut help, mut kinds) = (BTreeSet::new(), BTreeMap::new());
    for (keyword, rest) in text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(' ')) {
        let (name, value) = rest.split_once(' ').expect("a name and a value");
        match keyword {
            "HELP" => assert!(help.insert(name), "two HELP for {name}"),
            "TYPE" => assert!(kinds.insert(name, value).is_none(), "two TYPE for {name}"),
            _ => panic!("{keyword} is a comment in the text format"),
        }
    }
    let mut broken = Vec::new();
    for (name, kind) in &kinds {
        let mut rule = |holds: bool, text: &str| {
            if !holds {
                broken.push(format!("{name}: {text}"));
            }
        };
        rule(help.contains(name), "no help text");
        rule(name.ends_with("_total") == (*kind == "counter"), "counters end with _total, and nothing else does");
        let words: Vec<&str> = name.split('_').collect();
        rule(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "snake case");
        rule(!words.contains(kind), "the name has the type in it");
        for part in ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "m", "h", "d"] {
            rule(!words.contains(&part), "abbreviated unit");
        }
        for unit in ["milliseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "percent"] {
            rule(!words.contains(&unit), "not a base unit");
        }
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let labels: Vec<&str> = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect();
        let of_histogram = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .filter(|family| kinds.get(family) == Some(&"histogram"));
        let mut rule = |holds: bool, text: &str| {
            if !holds {
                broken.push(format!("{line}: {text}"));
            }
        };
        rule(of_histogram.is_some() || kinds.contains_key(name), "no TYPE");
        rule(!labels.contains(&"quantile"), "only summaries have the label quantile");
        rule(of_histogram.is_some() || !labels.contains(&"le"), "only histograms have the label le");
    }
    broken
}

#[test]
fn lint_finds_each_broken_rule() {
    for (text, broken) in [
        ("# HELP a_total A.\n# TYPE a_total counter\na_total 1\n", None),
        ("# TYPE a gauge\na 1\n", Some("no help text")),
        ("# HELP a A.\n# TYPE a counter\na_total 1\n", Some("counters end with _total")),
        ("# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n", Some("counters end with _total")),
        ("# HELP a A.\n# TYPE a gauge\na{quantile=\"0.5\"} 1\n", Some("only summaries")),
        ("# HELP a A.\n# TYPE a gauge\na{le=\"0.5\"} 1\n", Some("only histograms")),
        ("# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n", Some("abbreviated unit")),
        ("# HELP a_minutes A.\n# TYPE a_minutes gauge\na_minutes 1\n", Some("not a base unit")),
        ("# HELP a_gauge A.\n# TYPE a_gauge gauge\na_gauge 1\n", Some("the name has the type")),
        ("a 1\n", Some("no TYPE")),
    ] {
        match broken {
            None => assert_eq!(lint(text), Vec::<String>::new(), "{text}"),
            Some(rule) => assert!(lint(text).iter().any(|found| found.contains(rule)), "{text}: {:?}", lint(text)),
        }
    }
}

async fn scrape(app: &TestApp) -> String {
    let (listener, url) = listen().await;
    let measured = app.app.clone();
    let own: admin::OwnMetrics = Arc::new(move |registry| measured.register(registry));
    serve(listener, admin::metrics_router(app.app.database(), AdminToken::new(TOKEN).expect("a token"), own));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let rejected = client.get(format!("{url}/metrics")).bearer_auth("wrong").send().await.expect("a response");
    assert_eq!(rejected.status(), 401);
    let answer = client.get(format!("{url}/metrics")).bearer_auth(TOKEN).send().await.expect("a response");
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.expect("a text")
}

#[tokio::test]
async fn scrape_returns_metrics_of_process_and_deployment() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500), Answer::status(200)]);
    let failed = app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    app.wait_for(failed, StepKind::Failed).await;
    let delivered = app.publish_here(&[], "").await.id();
    app.wait_for(delivered, StepKind::Delivered).await;
    app.publish_here(&[("Upstash-Delay", "1h")], "").await;
    app.database
        .execute(
            "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at)
             values (gen_random_uuid(), 'msg_1', 'play', 1, 'completed', now() - interval '2 seconds', now());
             insert into alerts (rule, subject, severity, value, message, announced)
             values ('queue-age', '', 'critical', 2000, 'late', false)",
        )
        .await;
    let text = scrape(&app).await;
    for line in [
        "sigpost_accepted_total 3",
        "sigpost_delivered_total 1",
        "sigpost_errors_total 1",
        "sigpost_failed_total 1",
        "sigpost_push_seconds_count 2",
        "sigpost_in_flight 0",
        "sigpost_room 1024",
        "sigpost_admin_rejected_total 1",
        "sigpost_closed_connections_total 0",
        "sigpost_messages{state=\"scheduled\"} 1.0",
        "sigpost_dead_letters 1.0",
        "sigpost_runs{type=\"play\",status=\"completed\"} 1.0",
        "sigpost_alerts{severity=\"critical\"} 1.0",
        "sigpost_alerts{severity=\"warning\"} 0.0",
        "# TYPE sigpost_delivered_total counter",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let percentile =
        text.lines().find_map(|line| line.strip_prefix("sigpost_run_seconds{type=\"play\",percentile=\"p95\"} "));
    let seconds: f64 = percentile.expect("a percentile").parse().expect("a number");
    assert!((seconds / 2.0 - 1.0).abs() < 0.15, "{seconds}");
    assert_eq!(lint(&text), Vec::<String>::new(), "{text}");
    // The metric is absent on platforms that do not report the memory of a process.
    let unknown = if Memory::measure().is_some() { &[TICK][..] } else { &[TICK, MEMORY_SHARE] };
    let expected: BTreeSet<String> =
        ALL.iter().filter(|metric| !unknown.contains(metric)).map(|metric| metric.name.to_owned()).collect();
    assert_eq!(names_in(&text), expected);
}

#[test]
fn metrics_page_lists_each_metric_once() {
    let page = include_str!("../../../docs/src/reference/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: Vec<&str> = rows.collect();
    let all: Vec<&str> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(listed, all);
}

#[test]
fn dashboard_and_page_use_the_label_of_percentiles() {
    for text in [include_str!("../../../docs/src/reference/metrics.md"), include_str!("../../../infra/grafana.json")] {
        assert!(text.contains("percentile") && text.contains("p95") && !text.contains("quantile="), "{text}");
    }
}

#[test]
fn grafana_dashboard_reads_existing_metrics() {
    let dashboard: Value = serde_json::from_str(include_str!("../../../infra/grafana.json")).expect("JSON");
    let mut read = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            let names = names_in(target["expr"].as_str().expect("an expression"));
            assert!(!names.is_empty(), "{target}");
            read.extend(names);
        }
    }
    let unknown: Vec<_> = read.iter().filter(|name| !ALL.iter().any(|metric| metric.name == **name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
