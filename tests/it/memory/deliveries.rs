//! The bodies of in-flight messages have a budget.

use std::time::Duration;

use dispatch::Config;
use dispatch::dispatcher::Settings;
use sigpost_qstash::MessageId;

use super::body;
use crate::support::{Answer, TestApp};

/// Beyond the size of a small body, it counts half of [`BUDGET`].
const LARGE: usize = 64 * 1024 + 100_000;
const BUDGET: usize = 200_000;

fn with_budget(config: &mut Config) {
    config.dispatcher = Some(Settings { in_flight_bytes: BUDGET, ..Settings::default() });
}

/// Starts a dispatcher with a backlog of large messages, published with these headers.
async fn with_backlog(count: usize, headers: &[(&str, &str)], size: usize) -> TestApp {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    publisher.receiver.otherwise(Answer::status(200).held());
    for _ in 0..count {
        publisher.publish_here(headers, &body(size)).await;
    }
    let mut app = TestApp::start_on(&publisher.database, with_budget).await;
    app.receiver = publisher.receiver;
    app
}

/// Asserts that every message is delivered once, with never more large messages in flight than the budget permits.
async fn delivers_all_within_the_budget(app: &TestApp, count: usize, at_once: usize) {
    let mut ids = Vec::new();
    while ids.len() < count {
        let batch = app.receiver.next_many(at_once.min(count - ids.len())).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(app.receiver.all_so_far().await.len(), 0, "{} were received", ids.len());
        assert!(app.app.dispatcher().expect("a dispatcher").in_flight() <= at_once);
        ids.extend(
            batch.iter().map(|request| request.header("upstash-message-id").parse::<MessageId>().expect("an id")),
        );
        app.receiver.release(batch.len());
    }
    app.app.shutdown().await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    let delivered = "select count(*) from message_states where state = 'delivered'";
    assert_eq!(app.database.count(delivered).await as usize, count);
}

#[tokio::test]
async fn claims_of_large_messages_stay_within_the_budget() {
    let app = with_backlog(7, &[], LARGE).await;
    delivers_all_within_the_budget(&app, 7, 2).await;
}

#[tokio::test]
async fn message_larger_than_the_budget_is_delivered_alone() {
    let app = with_backlog(2, &[], 64 * 1024 + 2 * BUDGET).await;
    delivers_all_within_the_budget(&app, 2, 1).await;
}

#[tokio::test]
async fn blocked_large_messages_stay_within_the_budget() {
    let headers = [("Upstash-Flow-Control-Key", "key"), ("Upstash-Flow-Control-Value", "parallelism=5")];
    let app = with_backlog(5, &headers, LARGE).await;
    delivers_all_within_the_budget(&app, 5, 2).await;
}

#[tokio::test]
async fn small_messages_are_delivered_while_large_ones_are_blocked() {
    let app = with_backlog(5, &[], LARGE).await;
    assert_eq!(app.receiver.next_many(2).await.len(), 2);
    app.receiver.otherwise(Answer::status(200));
    let published = app.publish_here(&[], "now").await.id();
    let delayed = app.publish_here(&[("Upstash-Delay", "1s")], "later").await.id();
    let bodies: Vec<_> = app.receiver.next_many(2).await.into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["now", "later"]);
    for id in [published, delayed] {
        app.wait_for(id, dispatch::dispatcher::StepKind::Delivered).await;
    }
    app.receiver.release(2);
    assert_eq!(app.receiver.next_many(3).await.len(), 3);
}

#[tokio::test]
async fn accepted_large_messages_beyond_the_budget_are_delivered_later() {
    let app = TestApp::start_with(with_budget).await;
    app.receiver.otherwise(Answer::status(200).held());
    for _ in 0..5 {
        app.publish_here(&[], &body(LARGE)).await;
    }
    delivers_all_within_the_budget(&app, 5, 2).await;
}
