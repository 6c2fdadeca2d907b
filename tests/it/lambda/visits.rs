//! The work of an environment after its response.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::Deployed;
use crate::support::Answer;

#[tokio::test]
async fn publish_responds_before_delivery_in_the_same_environment() {
    let deployed = Deployed::start().await;
    deployed.receiver.answers([Answer::status(200).held()]);
    let id = deployed.publish(&[], "first").await;

    let request = deployed.receiver.next().await;
    assert_eq!(request.body, "first");
    assert_eq!(request.header("upstash-message-id"), id.to_string());
    let environments = deployed.dispatch.environments();
    assert!(!environments[0].is_frozen(), "frozen during an attempt");

    deployed.receiver.release(1);
    deployed.at_rest().await;
    assert_eq!(deployed.state_of(id).await, "delivered");
    assert_eq!(environments.len(), 1);
    assert_eq!(deployed.database.count("select count(*) from dispatchers").await, 0);
}

#[tokio::test]
async fn running_dispatcher_delivers_messages_of_other_environments() {
    let deployed = Deployed::start().await;
    deployed.receiver.otherwise(Answer::status(200).held());
    let first = deployed.publish(&[], "first").await;
    deployed.receiver.next().await;

    let second = deployed.publish(&[], "second").await;
    assert_eq!(deployed.receiver.next().await.body, "second");
    let environments = deployed.dispatch.environments();
    environments[1].frozen().await;
    assert!(!environments[0].is_frozen(), "the first environment delivers both");

    deployed.receiver.release(2);
    deployed.at_rest().await;
    assert_eq!(
        (deployed.state_of(first).await, deployed.state_of(second).await),
        ("delivered".into(), "delivered".into())
    );
    assert_eq!(deployed.dispatch.environments().len(), 2);
}

#[tokio::test]
async fn environment_waits_for_messages_due_before_the_next_tick() {
    let deployed = Deployed::start().await;
    deployed.receiver.answers([Answer::status(500).header("retry-after", "1")]);
    let id = deployed.publish(&[("Upstash-Delay", "1s")], "").await;
    deployed.at_rest().await;

    assert_eq!(deployed.state_of(id).await, "delivered");
    let retried: Vec<String> =
        deployed.receiver.all_so_far().await.iter().map(|request| request.header("upstash-retried").into()).collect();
    assert_eq!(retried, ["0", "1"]);
    let environments = deployed.dispatch.environments();
    assert_eq!(environments.len(), 1);
    assert!(environments[0].billed()[0] >= Duration::from_secs(2), "{:?}", environments[0].billed());
}

#[tokio::test]
async fn tick_delivers_messages_due_after_the_environment_froze() {
    let deployed = Deployed::start().await;
    let id = deployed.publish(&[("Upstash-Delay", "10m")], "").await;
    deployed.at_rest().await;
    assert_eq!(deployed.tick().await, json!({"due": false}));
    deployed.at_rest().await;
    assert_eq!(deployed.state_of(id).await, "pending");

    deployed.make_messages_due().await;
    assert_eq!(deployed.tick().await, json!({"due": true}));
    deployed.at_rest().await;
    assert_eq!(deployed.state_of(id).await, "delivered");
    // No environment ran between the two ticks.
    assert_eq!(deployed.dispatch.environments().len(), 1);
}

#[tokio::test]
async fn resumed_queue_delivers_and_paused_queue_wakes_no_environment() {
    let deployed = Deployed::start().await;
    let json = [("Content-Type", "application/json")];
    let made =
        deployed.request(Method::POST, "/v2/queues", &json, r#"{"queueName": "orders", "parallelism": 1}"#).await;
    let paused = deployed.request(Method::POST, "/v2/queues/orders/pause", &[], "").await;
    assert!(made.status.is_success() && paused.status.is_success(), "{made:?} {paused:?}");
    let id = deployed.publish(&[("Upstash-Queue-Name", "orders")], "").await;
    deployed.at_rest().await;
    deployed.tick().await;
    deployed.at_rest().await;
    assert_eq!(deployed.state_of(id).await, "pending");

    assert!(deployed.request(Method::POST, "/v2/queues/orders/resume", &[], "").await.status.is_success());
    deployed.at_rest().await;
    assert_eq!(deployed.state_of(id).await, "delivered");
}
