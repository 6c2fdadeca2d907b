//! Invocations by the deployment's own schedules.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::Deployed;
use crate::support::TestDatabase;

#[tokio::test]
async fn http_requests_cannot_send_invocation_events() {
    let deployed = Deployed::start().await;
    for path in ["/", "/v2/tick", "/2015-03-31/functions/dispatch/invocations"] {
        let answer = deployed.request(Method::POST, path, &[], r#"{"sigpost": "migrate"}"#).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn unknown_event_is_a_function_error() {
    let deployed = Deployed::start().await;
    for event in [json!({"sigpost": "tock"}), json!({"detail": {}}), json!([])] {
        let rejected = deployed.dispatch.invoke(event.clone()).await;
        assert!(rejected.is_err(), "{event}: {rejected:?}");
        deployed.at_rest().await;
    }
    assert_eq!(deployed.tick().await, json!({"due": false}), "the environment still works");
    assert_eq!(deployed.dispatch.environments().len(), 1);
}

#[tokio::test]
async fn tick_samples_the_queue_depth() {
    let deployed = Deployed::start().await;
    deployed.tick().await;
    assert_eq!(deployed.database.count("select count(*) from queue_samples where scheduled = 0").await, 1);
}

#[tokio::test]
async fn repeated_cron_invocation_publishes_once_per_time() {
    let deployed = Deployed::start().await;
    let at = |time: &str| json!({"sigpost": "publish", "url": deployed.receiver.url("/api/jobs/cleanup"), "body": {"retention": 30}, "time": time});
    for time in ["2026-11-25T03:00:00Z", "2026-11-25T03:00:00Z", "2026-11-26T03:00:00Z"] {
        deployed.invoke(at(time)).await;
        deployed.at_rest().await;
    }
    let requests = deployed.receiver.all_so_far().await;
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].json(), json!({"retention": 30}));
    assert_eq!(requests[0].header("content-type"), "application/json");
    assert!(!requests[0].header("upstash-signature").is_empty());
}

#[tokio::test]
async fn migrate_event_applies_the_schema_to_an_empty_database() {
    let deployed = Deployed::start_on(TestDatabase::empty().await, |_| {}).await;
    let early = deployed.request(Method::GET, "/v2/queues", &[], "").await;
    assert_eq!(early.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!early.error().contains("signing_keys"), "{early:?}");

    let applied = deployed.invoke(json!({"sigpost": "migrate"})).await;
    assert!(applied["applied"].as_array().is_some_and(|names| names.len() > 10), "{applied}");
    assert_eq!(deployed.invoke(json!({"sigpost": "migrate"})).await, json!({"applied": []}));
    let id = deployed.publish(&[], "").await;
    deployed.at_rest().await;
    assert_eq!(deployed.state_of(id).await, "delivered");
}
