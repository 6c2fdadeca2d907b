//! `POST /v2/enqueue/{queue}/{destination}`.

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Answer, Answered, Receiver, TestApp, answered};

async fn enqueue(app: &TestApp, queue: &str, headers: &[(&str, &str)], body: &str) -> Answered {
    enqueue_to(app, queue, &app.receiver.url("/hook"), headers, body).await
}

async fn enqueue_to(app: &TestApp, queue: &str, destination: &str, headers: &[(&str, &str)], body: &str) -> Answered {
    let mut request = app.request(Method::POST, &format!("/v2/enqueue/{queue}/{destination}")).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answered(request).await
}

/// Returns the body of the next request.
async fn next_body(app: &TestApp) -> String {
    String::from_utf8(app.receiver.next().await.body.to_vec()).expect("text")
}

/// Wire reference, section 10: row 39; section 0: trap 13.
/// The queue need not exist.
#[tokio::test]
async fn enqueue_creates_the_queue_and_responds_like_publish() {
    let app = TestApp::start().await;
    let url = app.receiver.url("/hook?a=1");
    let answer = enqueue_to(&app, "my%2Dqueue", &url, &[("Upstash-Queue-Name", "other")], "body").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, json!({ "messageId": answer.id(), "url": url }));
    assert_eq!(app.receiver.next().await.uri, "/hook?a=1");
    assert_eq!(app.message(answer.id()).await["queueName"], "my-queue");
    let queues = app.get("/v2/queues").await.body;
    assert_eq!((queues[0]["name"].as_str(), queues[0]["parallelism"].as_i64()), (Some("my-queue"), Some(1)));
    assert_eq!(queues.as_array().map(Vec::len), Some(1));

    for queue in ["a%20b", "a%2Fb", "%ff", &"x".repeat(257)] {
        assert_eq!(enqueue(&app, queue, &[], "").await.status, StatusCode::BAD_REQUEST, "{queue}");
    }
    assert_eq!(enqueue_to(&app, "q", "none", &[], "").await.error(), "topic none not found");
}

#[tokio::test]
async fn group_is_enqueued_as_one_message_per_endpoint() {
    let app = TestApp::start().await;
    let endpoints = json!({ "endpoints": [{ "url": app.receiver.url("/a") }, { "url": app.receiver.url("/b") }] });
    answered(app.request(Method::POST, "/v2/topics/g/endpoints").json(&endpoints)).await;
    let answer = enqueue_to(&app, "q", "g", &[], "").await;
    assert_eq!(answer.body.as_array().map(Vec::len), Some(2));
    let paths: Vec<String> = app.receiver.next_many(2).await.iter().map(|got| got.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/a", "/b"]);
}

#[tokio::test]
async fn next_queued_message_starts_after_a_dead_letter() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500), Answer::status(500)]);
    let head = enqueue(&app, "q", &[("Upstash-Retries", "1")], "head").await.id();
    let next = enqueue(&app, "q", &[], "next").await.id();
    assert_eq!(next_body(&app).await, "head");
    app.wait_for(head, StepKind::Retried).await;
    assert_eq!(app.states(next).await, "CREATED", "a retry keeps the queue waiting");
    app.make_messages_due().await;
    assert_eq!(next_body(&app).await, "head");
    app.wait_for(head, StepKind::Failed).await;
    assert_eq!(next_body(&app).await, "next");
    app.wait_for(next, StepKind::Delivered).await;
}

#[tokio::test]
async fn next_queued_message_waits_for_the_callback_of_the_previous() {
    let app = TestApp::start().await;
    let reports = Receiver::start().await;
    reports.otherwise(Answer::status(200).held());
    let head = enqueue(&app, "q", &[("Upstash-Callback", &reports.url("/report"))], "head").await.id();
    let next = enqueue(&app, "q", &[], "next").await.id();
    assert_eq!(next_body(&app).await, "head");
    app.wait_for(head, StepKind::Delivered).await;
    reports.next().await;
    assert_eq!(app.states(next).await, "CREATED");
    assert!(app.receiver.all_so_far().await.is_empty());
    reports.release(1);
    assert_eq!(next_body(&app).await, "next");
}

#[tokio::test]
async fn blocked_message_with_the_higher_priority_starts_first() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(200).held()]);
    enqueue(&app, "q", &[], "running").await;
    assert_eq!(next_body(&app).await, "running");
    for (body, priority) in [("a", "0"), ("b", "-5"), ("c", "5"), ("d", "0"), ("e", "5")] {
        enqueue(&app, "q", &[("Upstash-Sigpost-Priority", priority)], body).await;
    }
    app.receiver.release(1);
    let mut order = String::new();
    for _ in 0..5 {
        order += &next_body(&app).await;
    }
    assert_eq!(order, "ceadb");
}

/// Wire reference, section 10: row 38.
/// A delayed message keeps its position in the queue and blocks later messages.
#[tokio::test]
async fn delayed_message_keeps_its_position_in_the_queue() {
    let app = TestApp::start().await;
    let head = enqueue(&app, "q", &[("Upstash-Delay", "1h")], "head").await.id();
    let next = enqueue(&app, "q", &[], "next").await.id();
    let other = enqueue(&app, "other", &[], "other").await.id();
    app.wait_for(other, StepKind::Delivered).await;
    assert_eq!(next_body(&app).await, "other");
    assert_eq!((app.states(head).await, app.states(next).await), ("CREATED".into(), "CREATED".into()));
    app.make_messages_due().await;
    assert_eq!(next_body(&app).await, "head");
    assert_eq!(next_body(&app).await, "next");
}
