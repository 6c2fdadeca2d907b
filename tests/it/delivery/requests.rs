//! Requests on the wire: the signed URL, the bytes of headers, and the length of an empty body.

use std::collections::HashMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sigpost_qstash::verify::DEFAULT_TOLERANCE;
use sigpost_qstash::{SigningKeys, Verifier};
use sigpost_runtime::AddressPolicy;

use crate::support::{Received, TestApp, answered};

/// Returns the URL as the receiver's web framework shows it.
fn requested(request: &Received) -> String {
    format!("http://{}{}", request.header("host"), request.uri)
}

/// Verifies as the official receivers do, with the requested URL.
fn verify(request: &Received) {
    let verifier = Verifier::new(&SigningKeys::dev(), DEFAULT_TOLERANCE);
    let (token, url) = (request.header("upstash-signature"), requested(request));
    let verified = verifier.verify(token, &url, &request.body, jiff::Timestamp::now());
    assert!(verified.is_ok(), "{url}: {verified:?}");
}

async fn publish_batch(app: &TestApp, destinations: &[String]) -> Vec<Value> {
    let items: Vec<Value> = destinations.iter().map(|url| json!({ "destination": url })).collect();
    let answer = answered(app.request(Method::POST, "/v2/batch").json(&items)).await;
    answer.body.as_array().unwrap_or_else(|| panic!("{answer:?}")).clone()
}

#[tokio::test]
async fn signed_url_is_the_requested_url() {
    let leads = |url: &str| format!("münchen.example={url}");
    let receiver_url = crate::support::Receiver::start().await;
    let address = receiver_url.url("").replace("http://", "");
    let policy = AddressPolicy::with_loopback().with_overrides(vec![leads(&address).parse().expect("an override")]);
    let app = TestApp::start_with(|config| config.address_policy = policy).await;
    let port = address.rsplit(':').next().expect("a port");
    let here = |rest: &str| format!("http://{address}{rest}");
    let destinations = [
        here("/"),
        here("?x=1"),
        here("/hook?name=O'Brien"),
        here("/a\"b<c>d`e{f}g\\h|i^j[k]"),
        here("/q?\"<>'`{}|\\^[]"),
        here("/a/../b"),
        here("/a/./b/%2e%2e/c"),
        here("/straße?grüße=ü"),
        here("/batch#fragment"),
        here("/%7Euser/%2F?%20+"),
        format!("http://127.1:{port}/short"),
        format!("http://0x7f000001:0{port}/number"),
        format!("HTTP://LOCALHOST:{port}/Upper"),
        format!("http://user:p%40ss@127.0.0.1:{port}/credentials"),
        format!("http://münchen.example:{port}/host"),
    ];
    for slot in publish_batch(&app, &destinations).await {
        assert!(slot.get("messageId").is_some(), "{slot}");
    }
    for request in receiver_url.next_many(destinations.len()).await {
        verify(&request);
    }
}

#[tokio::test]
async fn signed_url_is_the_requested_url_for_all_printable_characters() {
    let app = TestApp::start().await;
    let mut runner = TestRunner::deterministic();
    let rest =
        "(/|/[ -~]{1,12}|/\\PC{0,6}|(/(\\.|\\.\\.|%2e|%2E%2e|a)){1,4})(\\?[ -~]{0,12}|\\?\\PC{0,6})?(#[ -~]{0,6})?";
    let rest = proptest::string::string_regex(rest).expect("an expression");
    let destinations: Vec<String> =
        (0..400).map(|_| app.receiver.url(&rest.new_tree(&mut runner).expect("a text").current())).collect();
    let slots = publish_batch(&app, &destinations).await;
    let accepted = slots.iter().filter(|slot| slot.get("messageId").is_some()).count();
    assert!(accepted > 200, "{accepted}");
    for request in app.receiver.next_many(accepted).await {
        verify(&request);
    }
}

/// An older release stored user info and signed the URL as text.
#[tokio::test]
async fn message_of_an_older_release_has_a_valid_signature() {
    let accepting = TestApp::start_with(|config| config.dispatcher = None).await;
    let id = accepting.publish_here(&[], "").await.id();
    let url =
        accepting.receiver.url("/a/../b?name=O'Brien").replace("http://", "http://user:p%40ss@").replace('\'', "''");
    accepting.database.execute(&format!("update messages set url = '{url}'")).await;
    let shown = accepting.message(id).await.to_string();
    assert!(!shown.contains("p%40ss") && !shown.contains("dXNlcjpwQHNz"), "{shown}");

    let _delivering = TestApp::start_on(&accepting.database, |_| {}).await;
    let request = accepting.receiver.next().await;
    verify(&request);
    assert_eq!(request.uri, "/b?name=O%27Brien");
    assert_eq!(request.header("authorization"), "Basic dXNlcjpwQHNz");
}

#[tokio::test]
async fn request_without_a_body_has_content_length_zero() {
    let app = TestApp::start().await;
    let url = app.receiver.url("/hook");
    let endpoints = json!({ "endpoints": [{ "url": url }] });
    assert!(answered(app.request(Method::POST, "/v2/topics/g/endpoints").json(&endpoints)).await.body.is_object());
    for (method, length) in [("POST", "0"), ("PUT", "0"), ("PATCH", "0"), ("GET", ""), ("DELETE", "")] {
        let batch = json!([{ "destination": url, "headers": { "Upstash-Method": method } }]);
        let schedule = app.request(Method::POST, &format!("/v2/schedules/{url}")).header("Upstash-Cron", "1 1 1 1 *");
        let schedule = schedule.header("Upstash-Schedule-Id", "s").header("Upstash-Method", method);
        assert_eq!(answered(schedule).await.status, StatusCode::OK);
        for request in [
            app.request(Method::POST, &format!("/v2/publish/{url}")),
            app.request(Method::POST, &format!("/v2/enqueue/q/{url}")),
            app.request(Method::POST, "/v2/publish/g"),
            app.request(Method::POST, "/v2/batch").json(&batch),
            app.request(Method::POST, "/v2/schedules/s/run"),
        ] {
            assert_eq!(answered(request.header("Upstash-Method", method)).await.status, StatusCode::OK);
            let received = app.receiver.next().await;
            assert_eq!((received.method.as_str(), received.header("content-length")), (method, length));
            assert_eq!(received.header("transfer-encoding"), "");
        }
    }
}

#[tokio::test]
async fn latin_1_headers_are_forwarded_byte_for_byte() {
    let app = TestApp::start().await;
    let url = app.receiver.url("/hook");
    let every_byte: Vec<u8> = (0x80..=0xff).collect();
    let headers: [(&str, &[u8]); 8] = [
        ("Upstash-Forward-X-Name", b"Jos\xe9"),
        ("Upstash-Forward-X-Utf8", "José".as_bytes()),
        ("Upstash-Label", b"gr\xf6\xdfe"),
        ("Upstash-Deduplication-Id", b"caf\xe9-1"),
        ("Upstash-Flow-Control-Key", b"cl\xe9"),
        ("Upstash-Flow-Control-Value", b"parallelism=5"),
        ("Upstash-Header-Forward", b"true"),
        ("X-Every-Byte", &every_byte),
    ];
    let request = |path: &str| {
        let request = app.request(Method::POST, path);
        headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, HeaderValue::from_bytes(value).expect("a value"))
        })
    };
    let schedule = request(&format!("/v2/schedules/{url}"));
    let schedule = schedule.header("Upstash-Cron", "1 1 1 1 *").header("Upstash-Schedule-Id", "s");
    assert_eq!(answered(schedule).await.status, StatusCode::OK);
    let published = answered(request(&format!("/v2/publish/{url}"))).await;
    assert_eq!(published.status, StatusCode::OK, "{published:?}");
    assert_eq!(answered(request(&format!("/v2/publish/{url}"))).await.status, StatusCode::ACCEPTED);
    app.post("/v2/schedules/s/run").await;

    for received in app.receiver.next_many(2).await {
        let sent: HashMap<&str, &[u8]> =
            ["x-name", "x-utf8", "x-every-byte"].map(|name| (name, received.headers[name].as_bytes())).into();
        assert_eq!(
            sent,
            HashMap::from([("x-name", &b"Jos\xe9"[..]), ("x-utf8", "José".as_bytes()), ("x-every-byte", &every_byte),])
        );
    }
    let message = app.message(published.id()).await;
    assert_eq!((&message["label"], &message["flowControlKey"]), (&json!("größe"), &json!("clé")));
    assert_eq!(message["header"]["X-Name"], json!(["José"]));
    let found = app.get("/v2/events?label=gr%C3%B6%C3%9Fe&order=earliestFirst").await;
    assert_eq!(found.body["events"][0]["messageId"], published.body["messageId"]);
}
