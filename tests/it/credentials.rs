//! User info in a URL becomes the `Authorization` header and is never shown.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use crate::support::{Answer, Received, Receiver, TestApp, answered};

/// Texts that must not be shown: the password as written, decoded, and in the header.
const SECRETS: [&str; 3] = ["p%40ss", "p@ss", "dXNlcjpwQHNz"];
const AUTHORIZATION: &str = "Basic dXNlcjpwQHNz";

/// Returns the receiver's URL with user info.
fn with_user_info(receiver: &Receiver, path: &str) -> String {
    receiver.url(path).replace("http://", "http://user:p%40ss@")
}

fn assert_hidden(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

/// Asserts that no list of the API shows the password, in decoded bodies either.
async fn assert_hidden_in_lists(app: &TestApp) {
    for path in ["/v2/events", "/v2/logs", "/v2/dlq", "/v2/schedules", "/v2/topics", "/v2/queues"] {
        let page = app.get(path).await.body;
        assert_hidden(path, &page.to_string());
        for event in page["events"].as_array().into_iter().flatten() {
            let body = event["body"].as_str().unwrap_or_default();
            let body = BASE64_STANDARD.decode(body).expect("base64");
            assert_hidden("a body", &String::from_utf8_lossy(&body));
            let id = event["messageId"].as_str().expect("an id");
            assert_hidden("a message", &app.get(&format!("/v2/messages/{id}")).await.body.to_string());
        }
    }
}

/// Asserts that a delivery has the header and no other trace of the password.
fn assert_authorized(request: &Received) {
    assert_eq!(request.header("authorization"), AUTHORIZATION);
    let mut others = request.headers.clone();
    others.remove("authorization");
    assert_hidden("a header", &format!("{others:?} {}", request.uri));
    let claims = request.header("upstash-signature").split('.').nth(1).expect("claims");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_hidden("a token", &claims.to_string());
    assert_eq!(claims["sub"], format!("http://{}{}", request.header("host"), request.uri));
    assert_hidden("a body", &String::from_utf8_lossy(&request.body));
    if let Ok(Value::Object(report)) = serde_json::from_slice::<Value>(&request.body) {
        assert!(report["sourceHeader"].get("Authorization").is_none(), "{report:?}");
    }
}

#[tokio::test]
async fn user_info_becomes_the_authorization_header() {
    let app = TestApp::start().await;
    let url = with_user_info(&app.receiver, "/ui");
    let callback = with_user_info(&app.receiver, "/callback");
    let headers = [("Upstash-Callback", callback.as_str())];
    let endpoints = json!({ "endpoints": [{ "url": url, "name": "n" }] });
    answered(app.request(Method::POST, "/v2/topics/g/endpoints").json(&endpoints)).await;
    let defaults = json!({ "headers": { "Upstash-Callback": callback } });
    answered(app.request(Method::PATCH, "/v2/topics/g").json(&defaults)).await;
    let schedule = app.request(Method::POST, &format!("/v2/schedules/{url}")).header(headers[0].0, headers[0].1);
    let schedule = schedule.header("Upstash-Cron", "1 1 1 1 *").header("Upstash-Schedule-Id", "s");
    answered(schedule).await;
    let batch = json!([{ "destination": url, "headers": { "Upstash-Callback": callback } }]);

    let publish = |path: &str| app.request(Method::POST, path).header(headers[0].0, headers[0].1).body("body");
    for request in [
        publish(&format!("/v2/publish/{url}")),
        publish(&format!("/v2/enqueue/q/{url}")),
        app.request(Method::POST, "/v2/publish/g"),
        app.request(Method::POST, "/v2/batch").json(&batch),
        app.request(Method::POST, "/v2/schedules/s/run"),
    ] {
        let answer = answered(request).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_hidden("an answer", &answer.body.to_string());
        for request in app.receiver.next_many(2).await {
            assert_authorized(&request);
        }
    }
    assert_hidden_in_lists(&app).await;
}

#[tokio::test]
async fn forwarded_authorization_takes_precedence_over_user_info() {
    let app = TestApp::start().await;
    let url = with_user_info(&app.receiver, "/ui");
    app.publish(&url, &[("Upstash-Forward-Authorization", "Bearer mine")], "").await;
    assert_eq!(app.receiver.next().await.header("authorization"), "Bearer mine");
}

#[tokio::test]
async fn dead_letter_hides_user_info_and_its_retry_sends_it() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500)]);
    let (url, callback) = (with_user_info(&app.receiver, "/ui"), with_user_info(&app.receiver, "/failed"));
    let headers = [("Upstash-Retries", "0"), ("Upstash-Failure-Callback", callback.as_str())];
    let id = app.publish(&url, &headers, "").await.id();
    app.wait_for(id, StepKind::Failed).await;
    for request in app.receiver.next_many(2).await {
        assert_authorized(&request);
    }
    assert_hidden_in_lists(&app).await;

    let letter = app.get(&format!("/v2/dlq?url={url}")).await.body["messages"][0].clone();
    assert_eq!(letter["url"], app.receiver.url("/ui"));
    let retried = app.post(&format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"))).await;
    let retried: MessageId = retried.id();
    app.wait_for(retried, StepKind::Delivered).await;
    assert_authorized(&app.receiver.next().await);
    assert_hidden_in_lists(&app).await;
}

#[tokio::test]
async fn endpoint_is_removed_by_url_with_or_without_user_info() {
    let app = TestApp::start().await;
    let url = with_user_info(&app.receiver, "/ui");
    for removed in [url.clone(), app.receiver.url("/ui")] {
        let edit = |method, url: &str| {
            app.request(method, "/v2/topics/g/endpoints").json(&json!({ "endpoints": [{ "url": url }] }))
        };
        answered(edit(Method::POST, &url)).await;
        assert_eq!(app.get("/v2/topics/g").await.body["endpoints"], json!([{ "url": app.receiver.url("/ui") }]));
        answered(edit(Method::DELETE, &removed)).await;
        assert_eq!(app.get("/v2/topics/g").await.status, 404);
    }
}
