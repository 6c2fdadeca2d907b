//! Traps of the wire reference that no other test covers.

use std::time::Duration;

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Answer, TestApp, answered};

/// Wire reference, section 0: trap 14.
#[tokio::test]
async fn content_based_deduplication_accepts_python_booleans() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    for (flag, second) in [
        ("True", StatusCode::ACCEPTED),
        ("False", StatusCode::OK),
        ("true", StatusCode::ACCEPTED),
        ("false", StatusCode::OK),
    ] {
        let headers = [("Upstash-Content-Based-Deduplication", flag)];
        assert_eq!(app.publish_here(&headers, flag).await.status, StatusCode::OK, "{flag}");
        assert_eq!(app.publish_here(&headers, flag).await.status, second, "{flag}");
    }
}

/// Wire reference, section 10: rows 40 and 46; section 0: trap 30.
#[tokio::test]
async fn retry_delay_is_milliseconds_and_other_durations_are_seconds() {
    let app = TestApp::start_with(|config| config.limits.max_timeout = Duration::from_secs(86_400)).await;
    app.receiver.answers([Answer::status(500)]);
    let id = app.publish_here(&[("Upstash-Retry-Delay", "90000")], "").await.id();
    app.wait_for(id, StepKind::Retried).await;
    let retry = app.event(id, "RETRY").await;
    let wait = retry["nextDeliveryTime"].as_i64().expect("a time") - retry["time"].as_i64().expect("a time");
    assert_eq!(wait, 90_000);

    for (timeout, timeout_ms, delay, delay_s, period, period_s) in [
        ("30", 30_000, "90", 90, "60", 60),
        ("1d", 86_400_000, "1d1s", 86_401, "1m", 60),
        ("1m", 60_000, "2h", 7_200, "1d", 86_400),
    ] {
        let value = format!("rate=1, period={period}");
        let headers = [
            ("Upstash-Timeout", timeout),
            ("Upstash-Delay", delay),
            ("Upstash-Flow-Control-Key", "k"),
            ("Upstash-Flow-Control-Value", &*value),
        ];
        let message = app.message(app.publish_here(&headers, "").await.id()).await;
        let waits_ms = message["notBefore"].as_i64().expect("a time") - message["createdAt"].as_i64().expect("a time");
        assert_eq!((&message["timeout"], waits_ms), (&json!(timeout_ms), delay_s * 1000), "{timeout}, {delay}");
        assert_eq!(message["period"], period_s, "{period}");

        let mut request = app.request(Method::POST, "/v2/schedules/https://example.com");
        for (name, value) in headers.iter().chain(&[("Upstash-Cron", "1 1 1 1 *"), ("Upstash-Schedule-Id", "s")]) {
            request = request.header(*name, *value);
        }
        answered(request).await;
        let schedule = app.get("/v2/schedules/s").await.body;
        assert_eq!((&schedule["timeout"], &schedule["delay"]), (&json!(timeout_ms), &json!(delay_s)));
        assert_eq!(schedule["period"], period_s, "{period}");
    }
}

/// The JavaScript SDK, 2.6 to 2.9, sends a URL group under both names.
#[tokio::test]
async fn url_group_may_be_sent_under_both_names() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    for path in ["/v2/dlq", "/v2/events", "/v2/logs"] {
        for query in ["urlGroup=g&topicName=g", "urlGroup=g", "topicName=g", "urlGroup=g,h&topicName=h&topicName=g"] {
            let answer = app.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}?{query}: {answer:?}");
        }
        let answer = app.get(&format!("{path}?urlGroup=g&topicName=h")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.error().starts_with("urlGroup: differs from its alias topicName"), "{}", answer.error());
    }
    let answer = app.delete("/v2/dlq?urlGroup=g&topicName=h").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn workflow_dead_letters_are_an_empty_page() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500)]);
    let id = app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    app.wait_for(id, StepKind::Failed).await;
    for (query, count) in [
        ("source=workflow", 0),
        ("source=workflow&count=10&label=a&workflowRunId=wfr_1", 0),
        ("source=qstash", 1),
        ("source=", 1),
        ("api=", 1),
        ("api=llm", 1),
    ] {
        let answer = app.get(&format!("/v2/dlq?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {answer:?}");
        assert_eq!(answer.body["messages"].as_array().map(Vec::len), Some(count), "{query}");
    }
    // A request that changes rows must not ignore a filter.
    for (method, path) in [(Method::DELETE, "/v2/dlq"), (Method::POST, "/v2/dlq/retry")] {
        for query in ["source=workflow", "api=llm"] {
            let answer = answered(app.request(method.clone(), &format!("{path}?{query}"))).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}?{query}");
        }
    }
    assert_eq!(app.get("/v2/dlq?source=elsewhere").await.status, StatusCode::BAD_REQUEST);
}
