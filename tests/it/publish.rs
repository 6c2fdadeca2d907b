//! `POST /v2/publish/{destination}`: the response and the request to the destination.

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sigpost_qstash::DEV_TOKEN;

use crate::support::{TestApp, answered};

/// Wire reference, section 10: rows 41 and 49.
#[tokio::test]
async fn publish_returns_id_and_url_and_is_delivered() {
    let app = TestApp::start().await;
    let published = app.publish_here(&[], "hello").await;

    let id = published.id();
    assert_eq!(published.status, StatusCode::OK);
    assert_eq!(published.body, json!({ "messageId": id, "url": app.receiver.url("/hook") }));
    assert!(id.to_string().starts_with("msg_"));
    let request = app.receiver.next().await;
    assert_eq!((request.method.as_str(), request.uri.path(), &request.body[..]), ("POST", "/hook", &b"hello"[..]));
}

/// Wire reference, section 0: trap 13.
#[tokio::test]
async fn destination_keeps_its_query_without_upstash_parameters() {
    let app = TestApp::start().await;
    let ours = format!("qstash_token={DEV_TOKEN}&upstash-retries=1&Upstash-Label=x");
    let destination = app.receiver.url(&format!("/hook?b=2&{ours}&a=1&empty=&c=%20+%2F"));
    let published = app.publish(&destination, &[], "").await;

    let kept = "/hook?b=2&a=1&empty=&c=%20+%2F";
    assert_eq!(published.body["url"], app.receiver.url(kept));
    assert_eq!(app.receiver.next().await.uri, kept);
    assert_eq!(app.message(published.id()).await["url"], app.receiver.url(kept));
}

#[tokio::test]
async fn percent_encoded_destination_is_decoded_once() {
    let app = TestApp::start().await;
    let destination =
        app.receiver.url("/a%2Fb?c=%25").replace('%', "%25").replace("://", "%3A%2F%2F").replace('?', "%3F");
    let published = app.publish(&destination, &[], "").await;

    assert_eq!(published.body["url"], app.receiver.url("/a%2Fb?c=%25"));
    assert_eq!(app.receiver.next().await.uri, "/a%2Fb?c=%25");
}

/// Wire reference, section 0: trap 12.
#[tokio::test]
async fn bare_host_gets_no_trailing_slash() {
    let app = TestApp::start().await;
    let published = app.publish(&app.receiver.url(""), &[], "").await;

    assert_eq!(published.body["url"], app.receiver.url(""));
    assert_eq!(app.message(published.id()).await["url"], app.receiver.url(""));
    assert_eq!(app.receiver.next().await.uri.path(), "/");
}

#[tokio::test]
async fn options_in_the_query_yield_to_headers() {
    let app = TestApp::start().await;
    let query = "/hook?upstash-method=PUT&upstash-retries=7&upstash-label=a%2C+b&upstash-forward-x-from=query";
    let published = app.publish(&app.receiver.url(query), &[("Upstash-Retries", "2")], "").await;

    let message = app.message(published.id()).await;
    assert_eq!(message["method"], "PUT");
    assert_eq!(message["maxRetries"], 2);
    assert_eq!(message["labels"], json!(["a", "b"]));
    let request = app.receiver.next().await;
    assert_eq!((request.method.as_str(), request.header("x-from")), ("PUT", "query"));
    assert_eq!(request.uri, "/hook");
}

#[tokio::test]
async fn token_may_be_in_the_query() {
    let app = TestApp::start().await;
    let path = format!("/v2/publish/{}?qstash_token={DEV_TOKEN}", app.receiver.url("/hook"));
    let published = answered(app.anonymous(Method::POST, &path)).await;

    assert_eq!(published.status, StatusCode::OK);
    assert_eq!(app.receiver.next().await.uri, "/hook");
}

/// Wire reference, section 0: traps 10 and 11.
#[tokio::test]
async fn forwarded_headers_lose_their_prefix_and_options_are_removed() {
    let app = TestApp::start().await;
    let headers = [
        ("Content-Type", "application/json"),
        ("Upstash-Forward-X-Shop", "a, b"),
        ("Upstash-Forward-Authorization", "Basic c2hvcA=="),
        ("Upstash-Forward-Upstash-Signature", "forged"),
        ("Upstash-Forward-Host", "forged.example"),
        ("Upstash-Retries", "1"),
        ("Upstash-Telemetry-Sdk", "test"),
        ("X-Not-Forwarded", "1"),
    ];
    let published = app.publish_here(&headers, "{}").await;

    let request = app.receiver.next().await;
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("x-shop"), "a, b");
    assert_eq!(request.header("authorization"), "Basic c2hvcA==");
    assert_eq!(format!("http://{}/hook", request.header("host")), app.receiver.url("/hook"));
    assert!(request.header("upstash-signature").starts_with("eyJ"));
    let unwanted = ["upstash-retries", "upstash-telemetry-sdk", "upstash-forward-x-shop", "x-not-forwarded"];
    assert_eq!(unwanted.map(|name| request.header(name)), [""; 4]);
    assert_eq!(
        app.message(published.id()).await["header"],
        json!({ "Authorization": ["Basic c2hvcA=="], "Content-Type": ["application/json"], "X-Shop": ["a, b"] }),
    );
}

#[tokio::test]
async fn header_forward_excludes_only_token_and_connection_headers() {
    let app = TestApp::start().await;
    let headers = [("Upstash-Header-Forward", "true"), ("X-Event", "push"), ("Connection", "x-hop"), ("X-Hop", "1")];
    app.publish_here(&headers, "").await;

    let request = app.receiver.next().await;
    assert_eq!(request.header("x-event"), "push");
    assert_eq!(["authorization", "x-hop", "upstash-header-forward"].map(|name| request.header(name)), [""; 3]);
}

#[tokio::test]
async fn every_method_is_delivered_with_the_body() {
    let app = TestApp::start().await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "post"] {
        let published = app.publish_here(&[("Upstash-Method", method)], "body").await;
        app.wait_for(published.id(), StepKind::Delivered).await;

        let request = app.receiver.next().await;
        assert_eq!((request.method.as_str(), &request.body[..]), (&*method.to_uppercase(), &b"body"[..]));
    }
}

#[tokio::test]
async fn body_of_exactly_the_limit_is_accepted() {
    let app = TestApp::start_with(|config| config.limits.max_body_bytes = 1000).await;
    let published = app.publish_here(&[], &"x".repeat(1000)).await;

    assert_eq!(published.status, StatusCode::OK);
    assert_eq!(app.receiver.next().await.body.len(), 1000);
}
