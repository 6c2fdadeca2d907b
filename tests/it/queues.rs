//! `/v2/queues`: settings, and their effect on messages.

use dispatch::dispatcher::StepKind;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use crate::support::{Answer, Answered, Receiver, TestApp, answered};

async fn upsert(app: &TestApp, settings: Value) -> Answered {
    answered(app.request(Method::POST, "/v2/queues").json(&settings)).await
}

async fn enqueue(app: &TestApp, queue: &str, path: &str) -> MessageId {
    app.post(&format!("/v2/enqueue/{queue}/{}", app.receiver.url(path))).await.id()
}

/// Wire reference, section 10: row 44; section 0: trap 25.
/// All six fields are always present, because the Python SDK indexes them. Works with and without a trailing slash,
/// as the SDKs send both.
#[tokio::test]
async fn queue_is_created_shown_changed_and_deleted() {
    let app = TestApp::start().await;
    for (settings, parallelism, paused) in [
        (json!({ "queueName": "q.1", "parallelism": 2, "paused": true }), 2, true),
        (json!({ "queueName": "q.1", "parallelism": 3, "paused": false }), 3, false),
        (json!({ "queueName": "q.1", "parallelism": 1000 }), 1000, false),
    ] {
        assert_eq!(upsert(&app, settings).await.status, StatusCode::OK);
        let mut queue = app.get("/v2/queues/q.1").await.body;
        assert_eq!(app.get("/v2/queues/q%2E1/").await.body, queue);
        assert_eq!(app.get("/v2/queues").await.body, json!([queue]));
        assert_eq!(app.get("/v2/queues/").await.body, json!([queue]));
        for time in ["createdAt", "updatedAt"] {
            let at = queue[time].as_i64().expect("milliseconds");
            assert!((at - jiff::Timestamp::now().as_millisecond()).abs() < 60_000);
            queue.as_object_mut().expect("an object").remove(time);
        }
        assert_eq!(queue, json!({ "name": "q.1", "parallelism": parallelism, "paused": paused, "lag": 0 }));
    }
    // Deletion is immediate, and succeeds for an unknown queue.
    for _ in 0..2 {
        assert_eq!(app.delete("/v2/queues/q.1/").await.status, StatusCode::OK);
        assert_eq!(app.get("/v2/queues").await.body, json!([]));
    }
    let missing = app.get("/v2/queues/q.1").await;
    assert_eq!((missing.status, missing.error()), (StatusCode::NOT_FOUND, "queue q.1 not found"));
    assert_eq!(app.post("/v2/queues/q.1/pause").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn invalid_queue_is_rejected_and_excess_parallelism_is_412() {
    let app = TestApp::start_with(|config| config.limits.max_parallelism = 10).await;
    for (settings, field) in [
        (json!({ "queueName": "a b" }), "queueName"),
        (json!({ "parallelism": 1 }), "queueName"),
        (json!({ "queueName": "q", "parallelism": 0 }), "parallelism"),
        (json!([]), "invalid body"),
    ] {
        let rejected = upsert(&app, settings).await;
        assert_eq!(rejected.status, StatusCode::BAD_REQUEST);
        assert!(rejected.error().starts_with(field), "{}", rejected.error());
    }
    let over = upsert(&app, json!({ "queueName": "q", "parallelism": 11 })).await;
    assert_eq!(over.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(over.error(), "parallelism: quota queueParallelism exceeded, current limit: 10");
    for path in ["/v2/queues/a%20b", "/v2/queues/a%2Fb", "/v2/queues/%ff"] {
        assert_eq!(app.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(app.delete("/v2/queues/").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.get("/v2/queues").await.body, json!([]));
}

#[tokio::test]
async fn paused_queue_accepts_messages_and_delivers_on_resume() {
    let app = TestApp::start().await;
    upsert(&app, json!({ "queueName": "q", "paused": true })).await;
    let (first, second) = (enqueue(&app, "q", "/1").await, enqueue(&app, "q", "/2").await);
    let other = enqueue(&app, "other", "/other").await;
    app.wait_for(other, StepKind::Delivered).await;
    assert_eq!(app.receiver.next().await.uri, "/other");
    assert_eq!((app.states(first).await, app.states(second).await), ("CREATED".into(), "CREATED".into()));
    assert_eq!(app.get("/v2/queues/q").await.body["lag"], 2);

    for _ in 0..2 {
        assert_eq!(app.post("/v2/queues/q/resume/").await.status, StatusCode::OK, "idempotent");
    }
    assert_eq!(
        (app.receiver.next().await.uri, app.receiver.next().await.uri),
        ("/1".parse().unwrap(), "/2".parse().unwrap())
    );
    app.wait_for(second, StepKind::Delivered).await;
    assert_eq!(app.get("/v2/queues/q").await.body["lag"], 0);
}

#[tokio::test]
async fn pause_blocks_a_retry_until_resume() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500), Answer::status(500)]);
    let paused = enqueue(&app, "q", "/paused").await;
    app.wait_for(paused, StepKind::Retried).await;
    let running = enqueue(&app, "other", "/running").await;
    app.wait_for(running, StepKind::Retried).await;
    app.receiver.next_many(2).await;

    assert_eq!(app.post("/v2/queues/q/pause").await.status, StatusCode::OK);
    // One statement makes both due, so the dispatcher checks both before it delivers the other.
    app.make_messages_due().await;
    assert_eq!(app.receiver.next().await.uri, "/running");
    assert_eq!(app.states(paused).await, "CREATED ACTIVE ERROR RETRY");
    assert_eq!(app.get("/v2/queues/q").await.body["lag"], 1);
    app.post("/v2/queues/q/resume").await;
    assert_eq!(app.receiver.next().await.uri, "/paused");
    app.wait_for(paused, StepKind::Delivered).await;
}

#[tokio::test]
async fn changed_parallelism_starts_blocked_and_keeps_running_messages() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(200).held());
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(enqueue(&app, "q", &format!("/{number}")).await);
    }
    assert_eq!(app.receiver.next().await.uri, "/0");
    upsert(&app, json!({ "queueName": "q", "parallelism": 3 })).await;
    let started: Vec<String> = app.receiver.next_many(2).await.iter().map(|got| got.uri.to_string()).collect();
    assert!(started.contains(&"/1".to_owned()) && started.contains(&"/2".to_owned()), "{started:?}");

    upsert(&app, json!({ "queueName": "q", "parallelism": 1 })).await;
    app.receiver.release(2);
    let waiting = "select count(*) from slots";
    for id in &ids[..2] {
        app.wait_for(*id, StepKind::Delivered).await;
    }
    assert_eq!(app.database.count(waiting).await, 1, "one runs, the last waits");
    assert_eq!(app.states(ids[3]).await, "CREATED");
    app.receiver.release(2);
    assert_eq!(app.receiver.next().await.uri, "/3");
}

#[tokio::test]
async fn deleting_a_queue_cancels_blocked_and_in_flight_messages() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(200).held());
    let running = enqueue(&app, "q", "/running").await;
    let waiting = enqueue(&app, "q", "/waiting").await;
    app.receiver.next().await;

    let deleted = app.delete("/v2/queues/q").await;
    assert_eq!((deleted.status, deleted.body), (StatusCode::OK, json!({ "cancelled": 2 })));
    app.receiver.caller_disconnected().await;
    assert_eq!(app.states(running).await, "CREATED ACTIVE CANCEL_REQUESTED CANCELED");
    assert_eq!(app.states(waiting).await, "CREATED CANCEL_REQUESTED CANCELED");
    assert_eq!(app.get("/v2/queues").await.body, json!([]));

    // A queue of the same name starts empty.
    enqueue(&app, "q", "/new").await;
    assert_eq!(app.receiver.next().await.uri, "/new");
}

#[tokio::test]
async fn cancelling_the_head_starts_the_next_message() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500)]);
    let head = enqueue(&app, "q", "/head").await;
    enqueue(&app, "q", "/next").await;
    app.wait_for(head, StepKind::Retried).await;
    assert_eq!(app.receiver.next().await.uri, "/head");
    app.delete(&format!("/v2/messages/{head}")).await;
    assert_eq!(app.receiver.next().await.uri, "/next");
}

#[tokio::test]
async fn queue_can_be_deleted_during_enqueues_and_deliveries() {
    let app = TestApp::start().await;
    let reports = Receiver::start().await;
    let (path, callback) = (format!("/v2/enqueue/q/{}", app.receiver.url("/hook")), reports.url("/report"));
    for _ in 0..15 {
        let enqueues =
            (0..10).map(|_| answered(app.request(Method::POST, &path).header("Upstash-Callback", &callback)));
        let deletes = (0..4).map(|_| app.delete("/v2/queues/q"));
        let (enqueued, deleted) = tokio::join!(join_all(enqueues), join_all(deletes));
        for answer in enqueued.iter().chain(&deleted) {
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        }
    }
    assert_eq!(app.delete("/v2/queues/q").await.status, StatusCode::OK);
    let open = "select count(*) from message_states where queue_name is not null and finished_at is null";
    assert_eq!(app.database.count(open).await, 0);
}
