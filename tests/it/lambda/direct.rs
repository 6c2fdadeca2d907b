//! Invocations by the deployment itself.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::Deployed;
use crate::support::TestDatabase;

#[tokio::test]
async fn nothing_that_comes_over_http_is_an_invocation_by_the_deployment() {
    let deployed = Deployed::start().await;
    for path in ["/", "/v2/tick", "/2015-03-31/functions/dispatch/invocations"] {
        let answer = deployed.request(Method::POST, path, &[], r#"{"sigpost": "migrate"}"#).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn an_event_that_is_none_of_ours_is_an_error_of_the_function() {
    let deployed = Deployed::start().await;
    for event in [json!({"sigpost": "tock"}), json!({"detail": {}}), json!([])] {
        let refused = deployed.dispatch.invoke(event.clone()).await;
        assert!(refused.is_err(), "{event}: {refused:?}");
        deployed.at_rest().await;
    }
    assert_eq!(deployed.tick().await, json!({"due": false}), "and the environment goes on");
    assert_eq!(deployed.dispatch.environments().len(), 1);
}

#[tokio::test]
async fn a_tick_looks_how_many_messages_are_open() {
    let deployed = Deployed::start().await;
    deployed.tick().await;
    assert_eq!(deployed.database.count("select count(*) from queue_samples where scheduled = 0").await, 1);
}

#[tokio::test]
async fn the_cron_of_a_deployment_publishes_once_for_a_time_however_often_it_is_invoked() {
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
async fn a_deployment_without_a_schema_applies_it_and_serves() {
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
