//! Messages are cancelled singly and in bulk by filters.

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use super::session::Session;
use crate::support::Answer;

#[tokio::test]
async fn messages_are_cancelled_one_by_one() {
    let mut s = Session::start("cancelled_one_by_one").await;
    s.app.receiver.answers([Answer::status(200), Answer::status(500), Answer::status(500), Answer::status(200).held()]);
    let delivered = s.publish("/delivered", &[], "").await;
    s.app.wait_for(delivered, StepKind::Delivered).await;
    let failed = s.publish("/failed", &[("Upstash-Retries", "0")], "").await;
    s.app.wait_for(failed, StepKind::Failed).await;
    let retrying = s.publish("/retrying", &[("Upstash-Retry-Delay", "3600000")], "").await;
    s.app.wait_for(retrying, StepKind::Retried).await;
    let in_flight = s.publish("/in-flight", &[], "").await;
    s.app.wait_for(in_flight, StepKind::Pushed).await;
    let delayed = s.publish("/delayed", &[("Upstash-Delay", "1h")], "").await;
    s.post("/v2/flowControl/key/pause").await;
    let key = [("Upstash-Flow-Control-Key", "key"), ("Upstash-Flow-Control-Value", "parallelism=1")];
    let blocked = s.publish("/blocked", &key, "").await;
    s.get("/v2/flowControl/key").await;

    for id in [delivered, failed, retrying, in_flight, delayed, blocked] {
        s.delete(&format!("/v2/messages/{id}")).await;
        s.show(id).await;
        s.delete(&format!("/v2/messages/{id}")).await;
    }
    s.app.receiver.caller_disconnected().await;
    s.delete("/v2/messages/msg_1111111111111111").await;
    s.delete("/v2/messages/no-id").await;
    s.get("/v2/flowControl/key").await;
    s.get("/v2/events?state=CANCEL_REQUESTED,CANCELED").await;
    s.get("/v2/dlq").await;
    s.finish();
}

/// Publishes a message that is due in an hour.
async fn delayed(s: &mut Session, path: &str, headers: &[(&str, &str)]) -> MessageId {
    s.publish(path, &[headers, &[("Upstash-Delay", "1h")]].concat(), "").await
}

#[tokio::test]
async fn messages_are_cancelled_by_filter() {
    let mut s = Session::start("cancelled_by_filter").await;
    let url = s.app.receiver.url("/url");
    let host = s.app.receiver.url("").replace("http://", "");
    let endpoints = json!({ "endpoints": [{ "url": url }] });
    for group in ["topic", "group"] {
        s.send_json(Method::POST, &format!("/v2/topics/{group}/endpoints"), endpoints.clone()).await;
        s.send(Method::POST, &format!("/v2/publish/{group}"), &[("Upstash-Delay", "1h")], "").await;
    }
    let yearly = [("Upstash-Cron", "1 1 1 1 *"), ("Upstash-Schedule-Id", "yearly"), ("Upstash-Delay", "1h")];
    s.send(Method::POST, &format!("/v2/schedules/{url}"), &yearly, "").await;
    s.post("/v2/schedules/yearly/run").await;
    delayed(&mut s, "/a", &[("Upstash-Label", "red,green")]).await;
    delayed(&mut s, "/b", &[("Upstash-Queue-Name", "mail")]).await;
    delayed(&mut s, "/c", &[("Upstash-Flow-Control-Key", "key"), ("Upstash-Flow-Control-Value", "rate=1")]).await;
    delayed(&mut s, "/d?x=1", &[]).await;
    let sixth = delayed(&mut s, "/e", &[]).await;
    let from = s.app.message(sixth).await["createdAt"].as_i64().expect("a time");
    let from = s.name(from, "creation of /e");
    let named = delayed(&mut s, "/f", &[]).await;

    for query in
        ["label=none", "topicName=topic", "urlGroup=group", "scheduleId=yearly", "label=blue,green", "queueName=mail"]
    {
        s.delete(&format!("/v2/messages?{query}")).await;
    }
    s.delete("/v2/messages?flowControlKey=key").await;
    s.delete("/v2/messages?path=/d&host=example.com").await;
    s.delete("/v2/messages?path=/d").await;
    s.delete(&format!("/v2/messages?messageIds={named},msg_1111111111111111,no-id")).await;
    s.delete(&format!("/v2/messages?url={}", s.app.receiver.url("/none"))).await;
    s.delete(&format!("/v2/messages?fromDate={from}&toDate={from}")).await;
    s.get("/v2/events?state=CANCELED&order=earliestFirst").await;

    for path in ["/1", "/2", "/3", "/4", "/5", "/6", "/7"] {
        delayed(&mut s, path, &[("Upstash-Label", path)]).await;
    }
    s.delete(&format!("/v2/messages?url={}", s.app.receiver.url("/1"))).await;
    s.send_json(Method::DELETE, "/v2/messages", json!({ "label": ["/2", "/none"], "callerIp": "127.0.0.1" })).await;
    s.delete("/v2/messages?callerIP=127.0.0.1&path=/3").await;
    s.delete("/v2/messages?toDate=1").await;
    s.delete("/v2/messages?count=1").await;
    s.delete(&format!("/v2/messages?host={host}&count=2")).await;
    s.delete("/v2/messages").await;
    s.delete("/v2/messages").await;
    s.get("/v2/events?state=CANCELED,CANCEL_REQUESTED&order=earliestFirst").await;
    s.finish();
}

#[tokio::test]
async fn ambiguous_cancellations_are_rejected() {
    let mut s = Session::start("rejected_cancellations").await;
    let id = delayed(&mut s, "/hook", &[]).await;
    for query in ["/", "?labeel=a", "?label=", "?count=0", "?count=501", "?fromDate=today", "?topicName=a&urlGroup=b"] {
        s.delete(&format!("/v2/messages{query}")).await;
    }
    for body in
        [json!({ "messageIds": [] }), json!({ "messageIds": null }), json!({ "label": [] }), json!([]), Value::Null]
    {
        s.send_json(Method::DELETE, "/v2/messages", body).await;
    }
    s.send_json(Method::DELETE, "/v2/messages?label=a", json!({ "label": "b" })).await;
    s.delete("/v2/messages?messageIds=").await;
    s.show(id).await;
    s.finish();
}
