//! URL groups: `/v2/topics`, and publishes to them.

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use crate::support::{TestApp, answered};

async fn add(app: &TestApp, group: &str, endpoints: Value) {
    let answer = edit(app, Method::POST, group, endpoints).await;
    assert_eq!(answer.0, StatusCode::OK, "{}", answer.1);
}

async fn edit(app: &TestApp, method: Method, group: &str, endpoints: Value) -> (StatusCode, Value) {
    let request = app.request(method, &format!("/v2/topics/{group}/endpoints"));
    let answer = answered(request.json(&json!({ "endpoints": endpoints }))).await;
    (answer.status, answer.body)
}

async fn endpoints(app: &TestApp, group: &str) -> Value {
    app.get(&format!("/v2/topics/{group}")).await.body["endpoints"].clone()
}

fn ids(messages: &Value) -> Vec<MessageId> {
    let messages = messages.as_array().unwrap_or_else(|| panic!("no array: {messages}"));
    messages.iter().map(|one| serde_json::from_value(one["messageId"].clone()).expect("an id")).collect()
}

/// Wire reference, section 10: row 1; section 0: traps 1 and 12.
/// The response is a bare array, and URLs are as they were given.
#[tokio::test]
async fn publish_to_a_group_returns_an_array_in_endpoint_order() {
    let app = TestApp::start().await;
    let (b, a) = (app.receiver.url("/b"), app.receiver.url("/a?x=1"));
    add(&app, "orders", json!([{ "url": b, "name": "billing" }, { "url": a }])).await;

    let answer = app.publish("orders", &[("Upstash-Forward-X-Tenant", "t"), ("Upstash-Delay", "0s")], "body").await;
    let id = ids(&answer.body);
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, json!([{ "messageId": id[0], "url": b }, { "messageId": id[1], "url": a }]));

    let mut received = app.receiver.next_many(2).await;
    received.sort_by_key(|request| request.uri.path() == "/a");
    for (request, id) in received.iter().zip(&id) {
        assert_eq!((request.header("upstash-message-id"), &request.body[..]), (&*id.to_string(), &b"body"[..]));
        assert_eq!((request.header("upstash-topic-name"), request.header("x-tenant")), ("orders", "t"));
        app.wait_for(*id, StepKind::Delivered).await;
    }
    let (first, second) = (app.message(id[0]).await, app.message(id[1]).await);
    assert_eq!((&first["topicName"], &first["endpointName"]), (&json!("orders"), &json!("billing")));
    assert_eq!((&second["topicName"], second.get("endpointName")), (&json!("orders"), None));
}

/// Wire reference, section 10: row 26; section 0: trap 24.
#[tokio::test]
async fn deduplication_id_applies_per_endpoint() {
    let app = TestApp::start().await;
    let (a, b) = (app.receiver.url("/a"), app.receiver.url("/b"));
    add(&app, "g", json!([{ "url": a }])).await;
    let id = [("Upstash-Deduplication-Id", "once")];
    let first = ids(&app.publish("g", &id, "").await.body)[0];

    let again = app.publish("g", &id, "").await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(again.body, json!([{ "messageId": first, "url": a, "deduplicated": true }]));

    add(&app, "g", json!([{ "url": b }])).await;
    let more = app.publish("g", &id, "").await;
    let fresh = ids(&more.body)[1];
    assert_eq!(more.status, StatusCode::OK, "one of them is new");
    assert_eq!(
        more.body,
        json!([{ "messageId": first, "url": a, "deduplicated": true }, { "messageId": fresh, "url": b }])
    );
    // The same ID for a URL is independent.
    assert_eq!(app.publish(&a, &id, "").await.status, StatusCode::OK);

    let by_content = [("Upstash-Content-Based-Deduplication", "true")];
    assert_eq!(app.publish("g", &by_content, "x").await.status, StatusCode::OK);
    assert_eq!(app.publish("g", &by_content, "x").await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn group_lists_its_endpoints_in_insertion_order() {
    let app = TestApp::start().await;
    add(&app, "one", json!([{ "url": "https://b.example", "name": "b" }])).await;
    add(&app, "one", json!([{ "url": "https://a.example", "name": null }, { "url": "https://c.example" }])).await;
    add(&app, "another", json!([{ "url": "https://a.example" }])).await;

    let mut group = app.get("/v2/topics/one").await.body;
    for time in ["createdAt", "updatedAt"] {
        let at = group[time].as_i64().expect("milliseconds");
        assert!((at - jiff::Timestamp::now().as_millisecond()).abs() < 60_000);
        group.as_object_mut().expect("an object").remove(time);
    }
    let endpoints = json!([
        { "name": "b", "url": "https://b.example" }, { "url": "https://a.example" }, { "url": "https://c.example" }
    ]);
    assert_eq!(group, json!({ "name": "one", "endpoints": endpoints }));
    for path in ["/v2/topics", "/v2/topics/"] {
        let all = app.get(path).await.body;
        let names: Vec<&Value> = all.as_array().expect("an array").iter().map(|group| &group["name"]).collect();
        assert_eq!(names, ["another", "one"]);
    }
}

#[tokio::test]
async fn endpoint_is_replaced_by_url_or_name() {
    let app = TestApp::start().await;
    add(&app, "g", json!([{ "url": "https://a.example" }, { "url": "https://b.example", "name": "b" }])).await;
    add(&app, "g", json!([{ "url": "https://a.example", "name": "a" }])).await;
    add(&app, "g", json!([{ "url": "https://new.example", "name": "b" }])).await;
    let expected = json!([{ "name": "a", "url": "https://a.example" }, { "name": "b", "url": "https://new.example" }]);
    assert_eq!(endpoints(&app, "g").await, expected);
}

/// Wire reference, section 10: row 44; section 0: trap 25.
#[tokio::test]
async fn group_is_deleted_with_its_last_endpoint() {
    let app = TestApp::start().await;
    let two = json!([{ "url": "https://a.example" }, { "url": "https://b.example", "name": "b" }]);
    add(&app, "g", two).await;
    let gone = json!([{ "url": "https://a.example" }, { "url": "https://never.example" }]);
    assert_eq!(edit(&app, Method::DELETE, "g", gone).await.0, StatusCode::OK);
    assert_eq!(endpoints(&app, "g").await, json!([{ "name": "b", "url": "https://b.example" }]));
    assert_eq!(edit(&app, Method::DELETE, "g", json!([{ "name": "b" }])).await.0, StatusCode::OK);

    let missing = app.get("/v2/topics/g").await;
    assert_eq!((missing.status, missing.error()), (StatusCode::NOT_FOUND, "topic g not found"));
    assert_eq!(edit(&app, Method::DELETE, "g", json!([{ "name": "b" }])).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.delete("/v2/topics/g").await.status, StatusCode::OK);
    assert_eq!(app.publish("g", &[], "").await.error(), "topic g not found");
}

#[tokio::test]
async fn deleting_a_group_keeps_its_messages() {
    let app = TestApp::start().await;
    add(&app, "g", json!([{ "url": app.receiver.url("/hook") }])).await;
    let id = ids(&app.publish("g", &[("Upstash-Delay", "1h")], "").await.body)[0];
    assert_eq!(app.delete("/v2/topics/g").await.status, StatusCode::OK);
    app.make_messages_due().await;
    assert_eq!(app.receiver.next().await.header("upstash-message-id"), id.to_string());
}

#[tokio::test]
async fn request_headers_override_group_headers() {
    let app = TestApp::start().await;
    add(&app, "g", json!([{ "url": app.receiver.url("/hook") }])).await;
    let headers = json!({ "Upstash-Retries": "7", "Upstash-Header-Forward": ["true"], "Upstash-Label": "of-group",
                          "Upstash-Forward-X-Of": "group" });
    let patch = |body: Value| app.request(Method::PATCH, "/v2/topics/g").json(&body);
    assert_eq!(answered(patch(json!({ "headers": headers }))).await.status, StatusCode::OK);

    let request = [("Upstash-Retries", "1"), ("Upstash-Forward-X-Of", "request"), ("X-Plain", "p")];
    let id = ids(&app.publish("g?upstash-label=of-request", &request, "").await.body)[0];
    let received = app.receiver.next().await;
    assert_eq!((received.header("x-of"), received.header("x-plain")), ("request", "p"));
    let message = app.message(id).await;
    assert_eq!((&message["maxRetries"], &message["label"]), (&json!(1), &json!("of-request")));
    let id = ids(&app.publish("g", &[], "").await.body)[0];
    assert_eq!(app.receiver.next().await.header("x-of"), "group");
    let message = app.message(id).await;
    assert_eq!((&message["maxRetries"], &message["label"]), (&json!(7), &json!("of-group")));

    for (headers, field) in [
        (json!({ "Upstash-Retries": "many" }), "Upstash-Retries"),
        (json!({ "Upstash-Callback": "http://10.0.0.1" }), "Upstash-Callback: invalid destination url"),
        (json!({ "X-Own": "1" }), "headers.X-Own"),
    ] {
        let rejected = answered(patch(json!({ "headers": headers }))).await;
        assert_eq!(rejected.status, StatusCode::BAD_REQUEST);
        assert!(rejected.error().starts_with(field), "{}", rejected.error());
    }
    let missing = app.request(Method::PATCH, "/v2/topics/none").json(&json!({ "headers": {} }));
    assert_eq!(answered(missing).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn invalid_endpoint_or_name_is_rejected_and_quotas_are_412() {
    let app = TestApp::start_with(|config| {
        config.limits.max_endpoints = 2;
        config.limits.max_url_groups = 1;
    })
    .await;
    for (url, reason) in [
        (
            "http://10.0.0.1/",
            "endpoints[0].url: invalid destination url: endpoint resolves to a private address: 10.0.0.1; to permit it, name it in \
             ALLOW_TARGETS (serve: --allow-targets)",
        ),
        ("ftp://a.example", "endpoints[0].url: "),
    ] {
        let (status, body) = edit(&app, Method::POST, "g", json!([{ "url": url }])).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body["error"].as_str().expect("an error").starts_with(reason), "{body}");
    }
    for name in ["a%20b", "a%2Fb", "%ff", "%00", &"x".repeat(257)] {
        let (status, _) = edit(&app, Method::POST, name, json!([{ "url": "https://a.example" }])).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
    }
    assert_eq!(app.delete("/v2/topics/").await.status, StatusCode::BAD_REQUEST);

    let url = |number: usize| json!({ "url": format!("https://{number}.example") });
    add(&app, "g%2D1", json!([url(1), url(2)])).await;
    for (group, endpoints) in [("g-1", json!([url(3)])), ("h", json!([url(1), url(2), url(3)])), ("h", json!([url(1)]))]
    {
        let (status, body) = edit(&app, Method::POST, group, endpoints).await;
        assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{body}");
    }
    assert_eq!(app.get("/v2/topics").await.body.as_array().expect("an array").len(), 1);
    assert_eq!(endpoints(&app, "g-1").await, json!([url(1), url(2)]));
}
