//! `GET /metrics`, the dashboards that read it, and the page that lists the names.

use std::collections::BTreeSet;
use std::sync::Arc;

use admin::AdminToken;
use dispatch::engine::StepKind;
use serde_json::Value;
use sigpost_runtime::Memory;
use sigpost_runtime::metrics::{ALL, MEMORY_SHARE, TICK};

use super::TOKEN;
use crate::jobs::deployment::{listen, serve};
use crate::support::{Answer, TestApp};

/// Names in a scrape, with the endings of counters and histograms taken off.
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

async fn scrape(app: &TestApp) -> String {
    let (listener, url) = listen().await;
    let measured = app.app.clone();
    let own: admin::OwnMetrics = Arc::new(move |registry| measured.register(registry));
    serve(listener, admin::metrics_router(app.app.database(), AdminToken::new(TOKEN).expect("a token"), own));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let refused = client.get(format!("{url}/metrics")).bearer_auth("wrong").send().await.expect("an answer");
    assert_eq!(refused.status(), 401);
    let answer = client.get(format!("{url}/metrics")).bearer_auth(TOKEN).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.text().await.expect("a text")
}

#[tokio::test]
async fn what_this_process_did_and_how_the_deployment_is_can_be_scraped() {
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
        "sigpost_admin_refused_total 1",
        "sigpost_messages{state=\"scheduled\"} 1.0",
        "sigpost_dead_letters 1.0",
        "sigpost_runs{type=\"play\",status=\"completed\"} 1.0",
        "sigpost_alerts{severity=\"critical\"} 1.0",
        "sigpost_alerts{severity=\"warning\"} 0.0",
        "# TYPE sigpost_delivered counter",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let quantile =
        text.lines().find_map(|line| line.strip_prefix("sigpost_run_seconds{type=\"play\",quantile=\"0.95\"} "));
    let seconds: f64 = quantile.expect("a quantile").parse().expect("a number");
    assert!((seconds / 2.0 - 1.0).abs() < 0.15, "{seconds}");
    // Where nobody knows how much memory a process has, there is no such metric.
    let unknown = if Memory::measure().is_some() { &[TICK][..] } else { &[TICK, MEMORY_SHARE] };
    let expected: BTreeSet<String> =
        ALL.iter().filter(|metric| !unknown.contains(metric)).map(|metric| metric.name.to_owned()).collect();
    assert_eq!(names_in(&text), expected);
}

#[test]
fn the_page_of_metrics_lists_each_once() {
    let page = include_str!("../../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: Vec<&str> = rows.collect();
    let all: Vec<&str> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(listed, all);
}

#[test]
fn the_grafana_dashboard_reads_metrics_that_exist() {
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
