//! `POST /v2/batch`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestApp, answered};

async fn batch(app: &TestApp, items: Value) -> (StatusCode, Value) {
    let answer = answered(app.request(Method::POST, "/v2/batch").json(&items)).await;
    (answer.status, answer.body)
}

/// Wire reference, section 10: row 45; section 0: trap 16.
/// Covers each SDK's form of an absent field, and a result for each item.
#[tokio::test]
async fn batch_responds_in_order_with_nested_groups_and_errors() {
    let app = TestApp::start().await;
    let (a, b, hook) = (app.receiver.url("/a"), app.receiver.url("/b"), app.receiver.url("/hook?x=1"));
    let endpoints = json!({ "endpoints": [{ "url": a }, { "url": b }] });
    answered(app.request(Method::POST, "/v2/topics/g/endpoints").json(&endpoints)).await;

    let items = json!([
        { "destination": hook, "headers": { "upstash-forward-x-a": "1", "Content-Type": "text/plain" }, "body": "one" },
        { "destination": "g", "body": null, "queue": null },
        { "destination": "none" },
        { "destination": hook, "headers": { "Upstash-Retries": "many" } },
        { "destination": "http://10.0.0.1" },
        { "body": "without a destination" },
        { "destination": hook, "headers": { "Upstash-Retries": 3 } },
        7,
        { "destination": hook, "queue": "", "headers": null, "body": "last" },
    ]);
    let (status, body) = batch(&app, items).await;
    let id = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_else(|| panic!("no {pointer} in {body}"));
    let error = |code: &str, text: &str, at: &str| json!({ "error": text, "code": code, "requestId": id(at) });
    let expected = json!([
        { "messageId": id("/0/messageId"), "url": hook },
        [{ "messageId": id("/1/0/messageId"), "url": a }, { "messageId": id("/1/1/messageId"), "url": b }],
        error("not_found", "topic none not found", "/2/requestId"),
        error("invalid_header", "Upstash-Retries: must be a whole number, 0 or more, got \"many\"", "/3/requestId"),
        error(
            "invalid_destination",
            "invalid destination url: endpoint resolves to a private address: 10.0.0.1; to permit it, name it in \
             ALLOW_TARGETS (serve: --allow-targets)",
            "/4/requestId",
        ),
        error("invalid_body", "[5].destination: is missing", "/5/requestId"),
        error("invalid_body", "[6].headers.Upstash-Retries: must be a string, got 3", "/6/requestId"),
        error("invalid_body", "[7]: must be an object, got 7", "/7/requestId"),
        { "messageId": id("/8/messageId"), "url": hook },
    ]);
    assert_eq!((status, &body), (StatusCode::OK, &expected));

    let received = app.receiver.next_many(4).await;
    let one = received.iter().find(|request| &request.body[..] == b"one").expect("the first item");
    assert_eq!((one.header("x-a"), one.header("content-type")), ("1", "text/plain"));
    assert_eq!(one.uri, "/hook?x=1");
    assert_eq!(received.iter().filter(|request| request.body.is_empty()).count(), 2);
    assert_eq!(app.database.count("select count(*) from messages").await, 4);
}

#[tokio::test]
async fn batch_is_one_commit_and_each_item_uses_its_queue() {
    let app = TestApp::start().await;
    let url = app.receiver.url("/hook");
    let item = |number: usize| json!({ "destination": url, "queue": "q", "body": number.to_string() });
    let (status, body) = batch(&app, (0..50).map(item).collect()).await;
    assert_eq!((status, body.as_array().map(Vec::len)), (StatusCode::OK, Some(50)));
    let bodies = app.receiver.next_many(50).await.into_iter().map(|request| request.body);
    assert!(bodies.eq((0..50).map(|number| number.to_string())), "first in, first out");
    let commits = "select count(distinct created_at) from messages";
    assert_eq!(app.database.count(commits).await, 1);
}

#[tokio::test]
async fn duplicates_in_a_batch_are_reported_with_200() {
    let app = TestApp::start().await;
    let headers = json!({ "Upstash-Deduplication-Id": "once" });
    let item = json!({ "destination": app.receiver.url("/hook"), "headers": headers });
    for _ in 0..2 {
        let (status, body) = batch(&app, json!([item, item])).await;
        assert_eq!((status, &body[1]["deduplicated"]), (StatusCode::OK, &json!(true)));
        assert_eq!(body[0]["messageId"], body[1]["messageId"]);
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn batch_without_valid_items_is_rejected() {
    let app = TestApp::start_with(|config| config.limits.max_batch_messages = 2).await;
    let hook = app.receiver.url("/hook");
    for (body, reason) in [
        ("{}".to_owned(), "invalid body: expected a JSON array of messages, got an object"),
        ("not json".to_owned(), "invalid body: not valid JSON at line 1 column 2"),
        (String::new(), "invalid body: expected a JSON array of messages, got an empty body"),
        (
            json!([{ "destination": "none" }, {}]).to_string(),
            "no item of the batch is valid; the first: topic none not found",
        ),
        (
            json!([{ "destination": hook, "queue": "a b" }]).to_string(),
            "no item of the batch is valid; the first: [0].queue",
        ),
        (
            json!([{ "destination": hook, "headers": { "a": 1 } }]).to_string(),
            "no item of the batch is valid; the first: [0].headers.a: ",
        ),
        (
            json!([{ "destination": hook }, { "destination": hook }, { "destination": hook }]).to_string(),
            "body: the batch has 3 messages",
        ),
    ] {
        let answer = answered(app.request(Method::POST, "/v2/batch").body(body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.error().starts_with(reason), "{}", answer.error());
    }
    let endpoints = json!({ "endpoints": [{ "url": hook }, { "url": app.receiver.url("/b") }] });
    answered(app.request(Method::POST, "/v2/topics/g/endpoints").json(&endpoints)).await;
    let (status, body) = batch(&app, json!([{ "destination": "g" }, { "destination": hook }])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "each endpoint counts");
    assert!(body["error"].as_str().expect("an error").starts_with("body: the batch has 3 messages"), "{body}");
    assert_eq!(batch(&app, json!([])).await, (StatusCode::OK, json!([])));
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn body_limit_applies_per_item_and_the_batch_has_another() {
    let app = TestApp::start_with(|config| {
        config.limits.max_body_bytes = 1000;
        config.limits.max_batch_bytes = 4000;
    })
    .await;
    let item = |size: usize| json!({ "destination": app.receiver.url("/hook"), "body": "x".repeat(size) });
    let (status, body) = batch(&app, json!([item(1000), item(1001), item(1000)])).await;
    assert_eq!((status, body[0].get("error"), body[2].get("error")), (StatusCode::OK, None, None));
    assert_eq!(body[1]["error"], "quota maxMessageSize exceeded, current limit: 1000");
    assert_eq!(batch(&app, (0..4).map(|_| item(1000)).collect()).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.database.count("select count(*) from messages").await, 2);
}
