//! Deduplication: a duplicate publish returns the first message.

use dispatch::dispatcher::StepKind;
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Answer, TestApp};

/// Wire reference, section 10: row 26; section 0: trap 24.
#[tokio::test]
async fn second_publish_with_the_same_id_returns_the_first_message() {
    let app = TestApp::start().await;
    let first = app.publish_here(&[("Upstash-Deduplication-Id", "order-1")], "a").await;
    let second = app.publish_here(&[("Upstash-Deduplication-Id", "order-1")], "another body").await;

    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(second.status, StatusCode::ACCEPTED);
    let url = app.receiver.url("/hook");
    assert_eq!(second.body, json!({ "messageId": first.id(), "url": url, "deduplicated": true }));
    assert_eq!(app.database.count("select count(*) from messages").await, 1);
    assert_eq!(app.database.count("select count(*) from events where state = 'CREATED'").await, 1);
}

/// Wire reference, section 10: row 24.
#[tokio::test]
async fn content_deduplication_covers_destination_body_and_forwarded_headers() {
    let app = TestApp::start().await;
    let by_content = ("Upstash-Content-Based-Deduplication", "True");
    let base = [by_content, ("Content-Type", "text/plain"), ("Upstash-Forward-X-Tenant", "a")];
    let first = app.publish_here(&base, "body").await.id();

    // Options of sigpost, which the destination does not receive, make no difference.
    let again = [base[0], base[1], base[2], ("Upstash-Retries", "0"), ("Upstash-Telemetry-Sdk", "other")];
    let again = app.publish_here(&again, "body").await;
    assert_eq!((again.status, again.id()), (StatusCode::ACCEPTED, first));

    let elsewhere = app.publish(&app.receiver.url("/elsewhere"), &base, "body").await;
    let others = [
        elsewhere,
        app.publish_here(&base, "another body").await,
        app.publish_here(&[base[0], base[1], ("Upstash-Forward-X-Tenant", "b")], "body").await,
        app.publish_here(&[base[0], base[2], ("Content-Type", "text/html")], "body").await,
        app.publish_here(&[base[1], base[2]], "body").await,
        app.publish_here(&[base[0], base[1], base[2], ("Upstash-Deduplication-Id", "id")], "body").await,
    ];
    for other in others {
        assert_eq!((other.status, other.body.get("deduplicated")), (StatusCode::OK, None), "{other:?}");
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 7);
}

/// Wire reference, section 10: row 23.
#[tokio::test]
async fn deduplication_id_expires_after_its_window() {
    let app = TestApp::start().await;
    let id = [("Upstash-Deduplication-Id", "daily")];
    let first = app.publish_here(&id, "").await.id();
    let seconds = "select (extract(epoch from expires_at - created_at))::bigint
                   from deduplications join messages on messages.id = message_id";
    assert_eq!(app.database.count(seconds).await, 600);

    app.database.execute("update deduplications set expires_at = now() - interval '1 second'").await;
    let second = app.publish_here(&id, "").await;
    assert_eq!(second.status, StatusCode::OK);
    assert_ne!(second.id(), first);
    assert_eq!(app.publish_here(&id, "").await.id(), second.id());
    assert_eq!(app.database.count(seconds).await, 600);
}

#[tokio::test]
async fn concurrent_publishes_with_one_id_create_one_message() {
    let app = TestApp::start().await;
    let answers = join_all((0..20).map(|_| app.publish_here(&[("Upstash-Deduplication-Id", "once")], ""))).await;

    let accepted: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(accepted.len(), 1);
    assert!(answers.iter().all(|answer| answer.id() == accepted[0].id()));
    assert_eq!(answers.iter().filter(|answer| answer.body["deduplicated"] == true).count(), 19);
    assert_eq!(app.database.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn concurrent_publishes_in_two_processes_create_one_message() {
    let one = TestApp::start().await;
    let other = TestApp::start_on(&one.database, |_| {}).await;
    let url = one.receiver.url("/hook");
    let publishes = (0..20).map(|number| {
        let app = if number % 2 == 0 { &one } else { &other };
        app.publish(&url, &[("Upstash-Deduplication-Id", "once")], "")
    });
    let answers = join_all(publishes).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert!(answers.iter().all(|answer| answer.id() == answers[0].id()));
    assert_eq!(one.database.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn uncommitted_id_blocks_only_publishes_with_that_id() {
    let app = TestApp::start().await;
    let taken = "begin; insert into deduplications values ('id:open', gen_random_uuid(), now() + interval '1 h')";
    app.database.execute(taken).await;
    let (waiting, others) = tokio::join!(
        app.publish_here(&[("Upstash-Deduplication-Id", "open")], ""),
        join_all((0..20).map(|_| app.publish_here(&[], ""))),
    );
    assert_eq!(waiting.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(others.iter().all(|answer| answer.status == StatusCode::OK));

    app.database.execute("rollback").await;
    assert_eq!(app.publish_here(&[("Upstash-Deduplication-Id", "open")], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn deduplication_window_may_be_set_per_message() {
    let app = TestApp::start().await;
    let hour = [("Upstash-Deduplication-Id", "a"), ("Upstash-Sigpost-Deduplication-Window", "1h")];
    app.publish_here(&hour, "").await.id();
    let seconds = "select (extract(epoch from expires_at - created_at))::bigint
                   from deduplications join messages on messages.id = message_id";
    assert_eq!(app.database.count(seconds).await, 3600);
}

#[tokio::test]
async fn deduplication_id_may_be_released_at_dead_letter() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(500));
    let failing = |id, release| {
        [
            ("Upstash-Deduplication-Id", id),
            ("Upstash-Retries", "0"),
            ("Upstash-Sigpost-Deduplication-Release-On-Failure", release),
        ]
    };
    let mut status_of_second = Vec::new();
    for headers in [failing("released", "true"), failing("kept", "false")] {
        let first = app.publish_here(&headers, "").await.id();
        app.wait_for(first, StepKind::Failed).await;
        status_of_second.push(app.publish_here(&headers, "").await.status);
    }
    assert_eq!(status_of_second, [StatusCode::OK, StatusCode::ACCEPTED]);

    // A delivered message keeps its ID.
    app.receiver.otherwise(Answer::status(200));
    let delivered = failing("delivered", "true");
    let first = app.publish_here(&delivered, "").await.id();
    app.wait_for(first, StepKind::Delivered).await;
    assert_eq!(app.publish_here(&delivered, "").await.id(), first);
}

/// Wire reference, section 10: row 23.
#[tokio::test]
async fn deduplication_window_may_be_set_for_the_deployment() {
    let app = TestApp::start_with(|config| {
        config.deduplicating.window = std::time::Duration::from_secs(60);
        config.deduplicating.release_on_failure = true;
    })
    .await;
    app.receiver.answers([Answer::status(500)]);
    let headers = [("Upstash-Deduplication-Id", "a"), ("Upstash-Retries", "0")];
    let first = app.publish_here(&headers, "").await.id();
    app.wait_for(first, StepKind::Failed).await;
    assert_eq!(app.publish_here(&headers, "").await.status, StatusCode::OK);
    let seconds = "select (extract(epoch from expires_at - created_at))::bigint
                   from deduplications join messages on messages.id = message_id";
    assert_eq!(app.database.count(seconds).await, 60);
}
