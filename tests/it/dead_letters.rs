//! `GET /v2/dlq`, `GET /v2/dlq/{id}` and `POST /v2/dlq/retry/{id}`.

use dispatch::engine::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use crate::support::{Answer, TestApp, answered};

/// Publishes a message that fails for good, and returns it with its dead letter.
async fn fail(app: &TestApp, headers: &[(&str, &str)]) -> (MessageId, Value) {
    app.receiver.answers([Answer::status(500).header("X-Why", "bug").body("sorry")]);
    let headers = [headers, &[("Upstash-Retries", "0")]].concat();
    let id = app.publish_here(&headers, "body").await.id();
    app.wait_for(id, StepKind::Failed).await;
    app.receiver.all_so_far().await;
    let page = app.get(&format!("/v2/dlq?messageId={id}")).await.body;
    (id, page["messages"][0].clone())
}

#[tokio::test]
async fn a_dead_letter_shows_the_message_and_its_last_answer() {
    let app = TestApp::start().await;
    let (id, mut letter) = fail(&app, &[("Content-Type", "text/plain"), ("Upstash-Label", "a")]).await;

    let dlq_id = letter["dlqId"].as_str().expect("an id").to_owned();
    let (failed_at_ms, _) = dlq_id.split_once('-').expect("<ms>-<seq>");
    assert!((failed_at_ms.parse::<i64>().unwrap() - letter["createdAt"].as_i64().unwrap()).abs() < 60_000);
    assert_eq!(letter, app.get(&format!("/v2/dlq/{dlq_id}")).await.body);
    assert_eq!(letter["responseHeader"]["X-Why"], json!(["bug"]));
    let fields = letter.as_object_mut().expect("an object");
    fields.retain(|name, _| !["responseHeader", "createdAt", "notBefore"].contains(&&**name));
    assert_eq!(
        letter,
        json!({
            "messageId": id,
            "dlqId": dlq_id,
            "url": app.receiver.url("/hook"),
            "method": "POST",
            "maxRetries": 0,
            "header": { "Content-Type": ["text/plain"] },
            "body": "body",
            "callerIP": "127.0.0.1",
            "callerIp": "127.0.0.1",
            "label": "a",
            "labels": ["a"],
            "state": "FAILED",
            "responseStatus": 500,
            "responseBody": "sorry",
        })
    );
}

#[tokio::test]
async fn a_retried_dead_letter_is_a_new_message_and_is_gone() {
    let app = TestApp::start().await;
    let headers = [("Content-Type", "text/plain"), ("Upstash-Forward-X-Shop", "a"), ("Upstash-Method", "PUT")];
    let (id, letter) = fail(&app, &headers).await;
    let path = format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"));

    let retried = app.post(&path).await;
    assert_eq!(retried.status, StatusCode::CREATED);
    assert_eq!(retried.body, json!({ "messageId": retried.id() }));
    assert_ne!(retried.id(), id);
    app.wait_for(retried.id(), StepKind::Delivered).await;
    let request = app.receiver.next().await;
    assert_eq!((request.method.as_str(), &request.body[..]), ("PUT", &b"body"[..]));
    assert_eq!((request.header("content-type"), request.header("x-shop")), ("text/plain", "a"));
    assert_eq!(request.header("upstash-message-id"), retried.id().to_string());
    assert_eq!(app.states(retried.id()).await, "CREATED ACTIVE DELIVERED");

    assert_eq!(app.get("/v2/dlq").await.body, json!({ "messages": [] }));
    assert_eq!(app.post(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.message(id).await["state"], "FAILED");
}

#[tokio::test]
async fn options_of_the_retry_take_the_place_of_the_old_ones() {
    let app = TestApp::start().await;
    let old = [("Upstash-Timeout", "10s"), ("Upstash-Label", "old"), ("Upstash-Method", "PUT")];
    let (_, letter) = fail(&app, &[&old[..], &[("Upstash-Forward-X-Shop", "old")]].concat()).await;
    let path = format!("/v2/dlq/retry/{}?upstash-label=new", letter["dlqId"].as_str().expect("an id"));
    let request = app.request(Method::POST, &path);
    let request = request.header("Upstash-Retries", "4").header("Upstash-Delay", "1h").header("Upstash-Method", "GET");
    let retried = answered(request.header("Upstash-Forward-X-Shop", "new")).await;

    let message = app.message(retried.id()).await;
    assert_eq!((&message["maxRetries"], &message["labels"]), (&json!(4), &json!(["new"])));
    assert_eq!((&message["timeout"], &message["method"]), (&json!(10_000), &json!("GET")));
    assert_eq!(message["header"]["X-Shop"], json!(["new"]));
    assert_eq!(message["notBefore"].as_i64().unwrap() - message["createdAt"].as_i64().unwrap(), 3_600_000);
    assert_eq!(app.states(retried.id()).await, "CREATED");
}

#[tokio::test]
async fn a_retry_that_cannot_be_read_leaves_the_dead_letter() {
    let app = TestApp::start().await;
    let (_, letter) = fail(&app, &[]).await;
    let path = format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"));

    let answer = answered(app.request(Method::POST, &path).header("Upstash-Retries", "many")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().starts_with("Upstash-Retries: "));
    assert_eq!(app.get("/v2/dlq").await.body["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(app.database.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn two_retries_of_one_dead_letter_at_once_make_one_message() {
    let app = TestApp::start().await;
    let (_, letter) = fail(&app, &[]).await;
    let path = format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"));

    let (one, other) = tokio::join!(app.post(&path), app.post(&path));
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::CREATED, StatusCode::NOT_FOUND]);
    assert_eq!(app.database.count("select count(*) from messages").await, 2);
}

#[tokio::test]
async fn what_is_no_dead_letter_is_not_found() {
    let app = TestApp::start().await;
    let (_, letter) = fail(&app, &[]).await;
    let (at, seq) = letter["dlqId"].as_str().and_then(|id| id.split_once('-')).expect("<ms>-<seq>");
    for id in [format!("{at}-99"), format!("1-{seq}"), "1".into(), "x-y".into(), "1-99999999999999999999".into()] {
        assert_eq!(app.get(&format!("/v2/dlq/{id}")).await.status, StatusCode::NOT_FOUND, "{id}");
        assert_eq!(app.post(&format!("/v2/dlq/retry/{id}")).await.status, StatusCode::NOT_FOUND, "{id}");
    }
    assert_eq!(app.database.count("select count(*) from dead_letters").await, 1);
}

#[tokio::test]
async fn dead_letters_come_in_pages_newest_first() {
    let app = TestApp::start().await;
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.insert(0, json!(fail(&app, &[]).await.0));
    }
    for path in ["/v2/dlq", "/v2/dlq/"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("{path}?count=2&cursor={cursor}")).await.body;
            seen.extend(page["messages"].as_array().expect("a page").iter().map(|letter| letter["messageId"].clone()));
            match page.get("cursor") {
                Some(next) => cursor = next.as_str().expect("a text").to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_because_a_typo_would_match_everything() {
    let app = TestApp::start().await;
    for query in ["labeel=a", "count=0", "count=101", "cursor=x", "messageId=1"] {
        let answer = app.get(&format!("/v2/dlq?{query}")).await;
        let (name, _) = query.split_once('=').expect("a pair");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.error().starts_with(&format!("{name}: ")), "{}", answer.error());
    }
}
