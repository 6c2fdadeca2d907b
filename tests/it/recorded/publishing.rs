//! Published messages, as they are read back.

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::json;

use super::session::Session;
use crate::support::Answer;

#[tokio::test]
async fn plain_message_is_read_back() {
    let mut s = Session::start("plain_message").await;
    s.app.receiver.answers([Answer::status(201).header("X-Trace", "1").body("created")]);
    let id = s.publish("/hook", &[("Content-Type", "text/plain")], "hello").await;
    s.app.wait_for(id, StepKind::Delivered).await;
    s.show(id).await;
    for path in ["/v2/events", "/v2/logs", "/v2/dlq", "/v2/messages/", "/v2/queues", "/v2/flowControl", "/v2/topics"] {
        s.get(path).await;
    }
    s.finish();
}

#[tokio::test]
async fn message_with_all_options_is_read_back() {
    let mut s = Session::start("message_with_all_options").await;
    let headers = [
        ("Content-Type", "application/json"),
        ("Upstash-Method", "PATCH"),
        ("Upstash-Retries", "5"),
        ("Upstash-Retry-Delay", "1000 * (1 + retried)"),
        ("Upstash-Timeout", "1m30s"),
        ("Upstash-Delay", "1h"),
        ("Upstash-Queue-Name", "mail"),
        ("Upstash-Flow-Control-Key", "user/1"),
        ("Upstash-Flow-Control-Value", "parallelism=2, rate=5, period=1m"),
        ("Upstash-Sigpost-Flow-Control-Key-2", "all"),
        ("Upstash-Sigpost-Flow-Control-Value-2", "parallelism=100"),
        ("Upstash-Sigpost-Priority", "7"),
        ("Upstash-Callback", "https://example.com/report?foo=bar"),
        ("Upstash-Callback-Forward-X-Key", "a"),
        ("Upstash-Callback-Retries", "1"),
        ("Upstash-Failure-Callback", "https://user:password@example.com/failed"),
        ("Upstash-Failure-Callback-Forward-X-Key", "b"),
        ("Upstash-Label", "first, second"),
        ("Upstash-Forward-X-Shop", "a, b"),
        ("Upstash-Deduplication-Id", "once"),
        ("Upstash-Telemetry-Sdk", "ignored"),
    ];
    let id = s.publish("/hook?a=1&b=%20", &headers, r#"{"a":"ü"}"#).await;
    s.show(id).await;
    let url =
        "/v2/publish/https://user:password@example.com/hook?upstash-delay=90m&upstash-retries=0&upstash-label=q&x=1";
    let id = s.send(Method::POST, url, &[], "").await.id();
    s.show(id).await;
    let id = s.publish("/hook", &[("Upstash-Not-Before", "4102444800")], "in the year 2100").await;
    s.show(id).await;
    s.get("/v2/messages/msg_1111111111111111").await;
    s.get("/v2/messages/no-id").await;
    s.finish();
}

#[tokio::test]
async fn bodies_are_read_back() {
    let mut s = Session::start("bodies").await;
    let binary: &[u8] = &[0, 159, 146, 150, 255];
    s.app.receiver.answers([
        Answer::status(200).body(binary),
        Answer::status(500).body(binary),
        Answer::status(500).body("not \u{2713}"),
        Answer::status(500),
    ]);
    let id = s.publish("/binary", &[("Content-Type", "application/octet-stream")], binary).await;
    s.app.wait_for(id, StepKind::Delivered).await;
    s.show(id).await;
    for body in [binary, "{\"a\": \"\u{2713}\"}".as_bytes(), b""] {
        let id = s.publish("/failing", &[("Upstash-Retries", "0")], body).await;
        s.app.wait_for(id, StepKind::Failed).await;
        s.show(id).await;
        s.get(&format!("/v2/dlq?messageId={id}")).await;
        s.get(&format!("/v2/events?messageId={id}&bodies=false")).await;
        s.get(&format!("/v2/dlq?messageId={id}&bodies=False")).await;
    }
    s.finish();
}

/// A response body is truncated at 64 KiB, and a page ends at 8 MiB.
#[tokio::test]
async fn large_bodies_are_truncated_or_divide_pages() {
    let mut s = Session::start("large_bodies").await;
    let long = "x".repeat(100_000);
    s.app.receiver.answers([
        Answer::status(500).header("A-Trace", "1").header("X-Long", &long[..9_000]).body(long.clone()),
        Answer::status(200).header("A-Trace", "2").header("X-Long", &long[..9_000]).body(long.clone()),
    ]);
    let failed = s.publish("/failed", &[("Upstash-Retries", "0")], "").await;
    s.app.wait_for(failed, StepKind::Failed).await;
    s.show(failed).await;
    s.get("/v2/dlq").await;
    let delivered = s.publish("/delivered", &[], "").await;
    s.app.wait_for(delivered, StepKind::Delivered).await;
    s.show(delivered).await;
    for path in ["/1", "/2", "/3"] {
        s.publish(path, &[("Upstash-Delay", "1h"), ("Upstash-Label", "large")], "y".repeat(4_000_000)).await;
    }
    s.get("/v2/events?label=large&bodies=false").await;
    let page = s.get("/v2/events?label=large").await;
    let cursor = page["cursor"].as_str().expect("a cursor").to_owned();
    s.get(&format!("/v2/events?label=large&cursor={cursor}")).await;
    s.finish();
}

#[tokio::test]
async fn batch_responds_item_by_item() {
    let mut s = Session::start("batch").await;
    let hook = s.app.receiver.url("/hook?x=1");
    let endpoints = json!({ "endpoints": [{ "url": s.app.receiver.url("/a") }, { "url": s.app.receiver.url("/b") }] });
    s.send_json(Method::POST, "/v2/topics/group/endpoints", endpoints).await;
    let delay = json!({ "Upstash-Delay": "1h", "Content-Type": "text/plain", "Upstash-Forward-X-A": "1" });
    let items = json!([
        { "destination": hook, "headers": delay, "body": "one" },
        { "destination": "group", "headers": { "Upstash-Delay": "1h" }, "body": "two" },
        { "destination": "none" },
        { "destination": hook, "headers": { "Upstash-Retries": "many" } },
        { "destination": hook, "queue": "mail", "headers": { "Upstash-Delay": "1h" } },
        { "destination": hook, "headers": { "Upstash-Delay": "1h", "Upstash-Deduplication-Id": "x" } },
        { "destination": hook, "headers": { "Upstash-Delay": "1h", "Upstash-Deduplication-Id": "x" } },
        7,
    ]);
    let slots = s.send_json(Method::POST, "/v2/batch", items).await;
    for pointer in ["/0", "/1/0", "/1/1", "/4", "/5"] {
        let id = slots.pointer(pointer).expect("a slot")["messageId"].clone();
        s.show(serde_json::from_value(id).expect("an id")).await;
    }
    s.send_json(Method::POST, "/v2/batch", json!([{ "destination": "none" }])).await;
    s.send_json(Method::POST, "/v2/batch", json!({})).await;
    s.get("/v2/queues").await;
    s.finish();
}

#[tokio::test]
async fn duplicates_get_the_id_of_the_first_message() {
    let mut s = Session::start("duplicates").await;
    s.app.receiver.answers([Answer::status(200), Answer::status(500)]);
    let id = [("Upstash-Deduplication-Id", "order-1")];
    let first = s.publish("/hook", &id, "first").await;
    s.app.wait_for(first, StepKind::Delivered).await;
    s.publish("/hook", &id, "second").await;
    s.show(first).await;

    let content = [("Upstash-Content-Based-Deduplication", "true"), ("Upstash-Delay", "1h")];
    s.publish("/hook", &content, "same").await;
    s.publish("/hook", &content, "same").await;
    s.publish("/hook", &content, "other").await;

    let released = [
        ("Upstash-Deduplication-Id", "order-2"),
        ("Upstash-Sigpost-Deduplication-Release-On-Failure", "true"),
        ("Upstash-Retries", "0"),
    ];
    let failed = s.publish("/hook", &released, "").await;
    s.app.wait_for(failed, StepKind::Failed).await;
    let again = s.publish("/hook", &released, "").await;
    s.app.wait_for(again, StepKind::Delivered).await;
    s.get("/v2/events?order=earliestFirst").await;
    s.finish();
}

#[tokio::test]
async fn invalid_publishes_are_rejected() {
    let mut s = Session::start("rejected_publishes").await;
    let hook = s.app.receiver.url("/hook");
    for (destination, header) in [
        (&*hook, ("Upstash-Retries", "many")),
        (&hook, ("Upstash-Delay", "5x")),
        (&hook, ("Upstash-Cron", "* * * * *")),
        (&hook, ("Upstash-Callback", "nowhere")),
        (&hook, ("Upstash-Flow-Control-Key", "key")),
        (&hook, ("Upstash-Sigpost-Unknown", "1")),
        ("group", ("Upstash-Retries", "1")),
        ("https://10.0.0.1", ("Upstash-Retries", "1")),
        ("ftp://example.com", ("Upstash-Retries", "1")),
    ] {
        s.send(Method::POST, &format!("/v2/publish/{destination}"), &[header], "").await;
    }
    s.get("/v2/events").await;
    s.finish();
}
