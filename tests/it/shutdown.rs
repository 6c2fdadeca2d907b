//! Graceful shutdown of a dispatcher.

use std::time::Duration;

use dispatch::dispatcher::StepKind;
use serde_json::json;

use crate::support::{Answer, TestApp};

#[tokio::test]
async fn deliveries_may_end_within_the_grace_period() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(200).held()]);
    let id = app.publish_here(&[], "").await.id();
    app.receiver.next().await;

    let end = async {
        // During the shutdown it accepts messages and starts no delivery.
        let later = app.publish_here(&[], "later").await.id();
        assert_eq!(app.states(later).await, "CREATED");
        app.receiver.release(1);
    };
    tokio::join!(app.app.shutdown(), end);
    assert_eq!(app.states(id).await, "CREATED ACTIVE DELIVERED");
    assert!(app.receiver.all_so_far().await.is_empty());
    assert_eq!(app.database.count("select count(*) from message_states where state = 'pending'").await, 1);
}

#[tokio::test]
async fn deliveries_beyond_the_grace_period_are_released() {
    let stopping = TestApp::start_with(|config| {
        config.dispatcher.as_mut().expect("settings").grace = Duration::from_millis(50);
    })
    .await;
    stopping.receiver.answers([Answer::status(200).held()]);
    let id = stopping.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    stopping.receiver.next().await;

    stopping.app.shutdown().await;
    stopping.receiver.caller_disconnected().await;
    let waiting = "select count(*) from message_states where state = 'pending' and retried = 0 and due_at <= now()";
    assert_eq!(stopping.database.count(waiting).await, 1);

    let successor = TestApp::start_on(&stopping.database, |_| {}).await;
    successor.wait_for(id, StepKind::Delivered).await;
    assert_eq!(stopping.receiver.next().await.header("upstash-retried"), "0");
    assert_eq!(successor.states(id).await, "CREATED ACTIVE ACTIVE DELIVERED");
    assert_eq!(successor.get("/v2/dlq").await.body, json!({ "messages": [] }));
}
