//! Dead letters are listed, deleted and retried.

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use super::session::Session;
use crate::support::Answer;

/// Path, response status, and options.
type Failing = (&'static str, u16, &'static [(&'static str, &'static str)]);

/// Publishes messages that fail one after another. Returns the IDs of their dead letters, oldest first.
async fn fail(s: &mut Session, messages: &[Failing]) -> Vec<String> {
    let mut ids = Vec::new();
    for (path, status, headers) in messages {
        s.app.receiver.answers([Answer::status(*status).header("X-Why", "bug").body("sorry")]);
        let id = s.publish(path, &[*headers, &[("Upstash-Retries", "0")]].concat(), path).await;
        s.app.wait_for(id, StepKind::Failed).await;
        ids.push(dead_letter(s, id).await);
    }
    ids
}

async fn dead_letter(s: &Session, id: MessageId) -> String {
    let page = s.app.get(&format!("/v2/dlq?messageId={id}")).await.body;
    page["messages"][0]["dlqId"].as_str().expect("an id").to_owned()
}

/// Each has distinct values in the fields that are filters.
const FIVE: &[Failing] = &[
    ("/a", 500, &[("Upstash-Label", "x,y"), ("Upstash-Queue-Name", "mail"), ("Content-Type", "text/plain")]),
    (
        "/b",
        404,
        &[("Upstash-Label", "y"), ("Upstash-Flow-Control-Key", "key"), ("Upstash-Flow-Control-Value", "rate=9")],
    ),
    ("/c", 500, &[("Upstash-Label", "z"), ("Upstash-Forward-X-Shop", "old"), ("Upstash-Timeout", "10s")]),
    ("/d", 503, &[("Upstash-Method", "PUT")]),
    ("/e", 500, &[]),
];

#[tokio::test]
async fn dead_letters_are_listed() {
    let mut s = Session::start("listed_dead_letters").await;
    let ids = fail(&mut s, FIVE).await;
    let endpoints = json!({ "endpoints": [{ "url": s.app.receiver.url("/team"), "name": "one" }] });
    s.send_json(Method::POST, "/v2/topics/team/endpoints", endpoints).await;
    s.app.receiver.answers([Answer::status(500)]);
    let published = s.send(Method::POST, "/v2/publish/team", &[("Upstash-Retries", "0")], "").await.body;
    let of_group: MessageId = serde_json::from_value(published[0]["messageId"].clone()).expect("an id");
    s.app.wait_for(of_group, StepKind::Failed).await;
    let (time, _) = ids[2].split_once('-').expect("<time>-<number>");
    let time = s.name(time, "failure of /c");
    let url = s.app.receiver.url("/b");
    s.get("/v2/dlq").await;
    for query in [
        "/".to_owned(),
        "?order=earliestFirst&count=2".to_owned(),
        "?label=y".to_owned(),
        "?label=x,z&order=earliestFirst".to_owned(),
        format!("?url={url}"),
        "?topicName=team".to_owned(),
        "?urlGroup=team".to_owned(),
        "?queueName=mail".to_owned(),
        "?scheduleId=none".to_owned(),
        "?flowControlKey=key".to_owned(),
        "?callerIp=127.0.0.1&callerIP=::1&count=1".to_owned(),
        "?responseStatus=404,503".to_owned(),
        "?responseStatus=0".to_owned(),
        format!("?messageId={of_group},msg_1111111111111111"),
        format!("?fromDate={time}"),
        format!("?toDate={time}"),
        format!("?fromDate={time}&toDate={time}"),
        format!("?dlqIds={},{},1-1,no-id&label=none", ids[0], ids[3]),
        format!("?dlqIds={}&dlqIds={}&count=1&order=earliestFirst", ids[0], ids[3]),
        "?bodies=false&label=z".to_owned(),
        "?source=workflow".to_owned(),
        "?source=qstash&api=&label=z".to_owned(),
    ] {
        s.get(&format!("/v2/dlq{query}")).await;
    }
    for order in ["latestFirst", "earliestFirst"] {
        let mut cursor = String::new();
        while let Some(next) = s.get(&format!("/v2/dlq?order={order}&count=2&cursor={cursor}")).await["cursor"].as_str()
        {
            next.clone_into(&mut cursor);
        }
    }
    for id in [&*ids[1], "1-1", "no-id"] {
        s.get(&format!("/v2/dlq/{id}")).await;
    }
    s.finish();
}

#[tokio::test]
async fn dead_letters_are_deleted() {
    let mut s = Session::start("deleted_dead_letters").await;
    let ids = fail(&mut s, &[FIVE, FIVE].concat()).await;
    s.delete(&format!("/v2/dlq/{}", ids[0])).await;
    s.delete(&format!("/v2/dlq/{}", ids[0])).await;
    s.delete(&format!("/v2/dlq?dlqIds={},{},1-1", ids[0], ids[1])).await;
    s.send_json(Method::DELETE, "/v2/dlq", json!({ "dlqIds": [ids[2]] })).await;
    s.send_json(Method::DELETE, "/v2/dlq", json!({ "dlqIds": [] })).await;
    s.delete("/v2/dlq?label=z&responseStatus=404").await;
    s.delete("/v2/dlq?label=z").await;
    let first = s.delete("/v2/dlq?count=2&order=earliestFirst").await;
    let cursor = first["cursor"].as_str().expect("a cursor").to_owned();
    s.delete(&format!("/v2/dlq?count=1&order=earliestFirst&cursor={cursor}")).await;
    s.get("/v2/dlq").await;
    for query in ["/", "?labeel=a", "?label=", "?count=0", "?count=101", "?responseStatus=x", "?cursor=x", "?host=a"] {
        s.delete(&format!("/v2/dlq{query}")).await;
    }
    s.send_json(Method::DELETE, "/v2/dlq", json!({ "dlqIds": null })).await;
    s.delete("/v2/dlq").await;
    s.delete("/v2/dlq").await;
    s.get("/v2/events?state=FAILED").await;
    s.finish();
}

#[tokio::test]
async fn dead_letters_are_retried() {
    let mut s = Session::start("retried_dead_letters").await;
    let ids = fail(&mut s, FIVE).await;
    for (id, headers) in [
        (&ids[0], &[][..]),
        (
            &ids[2],
            &[
                ("Upstash-Delay", "1h"),
                ("Upstash-Retries", "4"),
                ("Upstash-Forward-X-Shop", "new"),
                ("Upstash-Label", "new"),
            ],
        ),
    ] {
        let path = format!("/v2/dlq/retry/{id}");
        let retried = s.send(Method::POST, &path, headers, "").await.id();
        if headers.is_empty() {
            s.app.wait_for(retried, StepKind::Delivered).await;
        }
        s.show(retried).await;
    }
    s.post(&format!("/v2/dlq/retry/{}", ids[0])).await;
    s.post("/v2/dlq/retry/no-id").await;
    s.send(Method::POST, &format!("/v2/dlq/retry/{}", ids[1]), &[("Upstash-Retries", "many")], "").await;
    s.post("/v2/dlq/retry?label=none").await;
    s.post("/v2/dlq/retry?dlqIds=1-1").await;
    s.post("/v2/dlq/retry?labeel=none").await;
    retry_many(&mut s, "?count=1", json!({})).await;
    retry_many(&mut s, "", json!({ "dlqIds": [ids[1], "1-1"] })).await;
    retry_many(&mut s, "?responseStatus=503", json!({})).await;
    s.get("/v2/dlq").await;

    // A message that fails again creates a dead letter with the ID of the first message.
    let id = fail(&mut s, &FIVE[..1]).await.remove(0);
    s.app.receiver.answers([Answer::status(500)]);
    let again = s.post(&format!("/v2/dlq/retry/{id}")).await;
    let again: MessageId = serde_json::from_value(again["messageId"].clone()).expect("an id");
    s.app.wait_for(again, StepKind::Failed).await;
    s.show(again).await;
    s.get("/v2/dlq").await;
    s.finish();
}

/// Retries dead letters, and reads each new message after its delivery.
async fn retry_many(s: &mut Session, query: &str, body: Value) {
    let retried = s.send_json(Method::POST, &format!("/v2/dlq/retry{query}"), body).await;
    for response in retried["responses"].as_array().expect("responses") {
        let id: MessageId = serde_json::from_value(response["messageId"].clone()).expect("an id");
        s.app.wait_for(id, StepKind::Delivered).await;
        s.show(id).await;
    }
}
