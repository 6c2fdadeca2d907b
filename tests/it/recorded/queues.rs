//! Queues, and the messages that they block.

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::json;
use sigpost_qstash::MessageId;

use super::session::Session;
use crate::support::Answer;

async fn enqueue(s: &mut Session, queue: &str, path: &str) -> MessageId {
    let path = format!("/v2/enqueue/{queue}/{}", s.app.receiver.url(path));
    s.send(Method::POST, &path, &[("Upstash-Retry-Delay", "3600000")], "").await.id()
}

#[tokio::test]
async fn deleted_queue_cancels_its_messages() {
    let mut s = Session::start("deleted_queue").await;
    s.app.receiver.otherwise(Answer::status(200).held());
    let in_flight = enqueue(&mut s, "mail", "/in-flight").await;
    s.app.wait_for(in_flight, StepKind::Pushed).await;
    let waiting = enqueue(&mut s, "mail", "/waiting").await;
    s.get("/v2/queues/mail").await;
    s.delete("/v2/queues/mail").await;
    s.app.receiver.caller_disconnected().await;
    s.show(in_flight).await;
    s.show(waiting).await;
    s.get("/v2/queues/mail").await;
    s.get("/v2/events?queueName=mail").await;
    s.finish();
}

#[tokio::test]
async fn queue_delivers_messages_one_after_another() {
    let mut s = Session::start("queued_messages").await;
    s.app.receiver.answers([Answer::status(500), Answer::status(200).held(), Answer::status(200)]);
    for (name, parallelism) in [("a", 1), ("b", 2), ("c", 3)] {
        let settings = json!({ "queueName": name, "parallelism": parallelism, "paused": name == "a" });
        s.send_json(Method::POST, "/v2/queues", settings).await;
    }
    let first = enqueue(&mut s, "a", "/first").await;
    let second = enqueue(&mut s, "a", "/second").await;
    s.show(first).await;
    s.get("/v2/queues/a").await;
    s.post("/v2/queues/a/resume").await;
    s.app.wait_for(first, StepKind::Retried).await;
    s.get("/v2/queues/a").await;
    s.show(second).await;
    s.post(&format!("/v2/messages/{first}/retry")).await;
    s.app.wait_for_times(first, StepKind::Pushed, 2).await;
    s.get("/v2/queues/a").await;
    s.release().await;
    s.app.wait_for(second, StepKind::Delivered).await;
    s.show(first).await;
    s.show(second).await;
    s.get("/v2/queues/a").await;

    s.post("/v2/queues/b/pause").await;
    let cancelled = enqueue(&mut s, "b", "/third").await;
    s.get("/v2/events?queueName=b").await;
    s.delete("/v2/queues/b").await;
    s.delete("/v2/queues/b").await;
    s.show(cancelled).await;
    s.get("/v2/queues").await;
    s.get("/v2/queues?count=1").await;
    s.get("/v2/queues?count=1&cursor=a").await;
    for path in ["/v2/queues/none", "/v2/queues/a%20b", "/v2/queues?count=0"] {
        s.get(path).await;
    }
    s.post("/v2/queues/none/pause").await;
    s.send_json(Method::POST, "/v2/queues", json!({ "queueName": "a", "parallelism": 0 })).await;
    s.finish();
}
