//! URL groups, and the messages of their endpoints.

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::json;
use sigpost_qstash::MessageId;

use super::session::Session;
use crate::support::Answer;

#[tokio::test]
async fn each_endpoint_of_a_group_gets_a_message() {
    let mut s = Session::start("published_to_a_group").await;
    s.app.receiver.otherwise(Answer::status(500));
    let (a, b) = (s.app.receiver.url("/a"), s.app.receiver.url("/b?x=1"));
    let endpoints = json!({ "endpoints": [{ "url": b, "name": "billing" }, { "url": a }] });
    s.send_json(Method::POST, "/v2/topics/orders/endpoints", endpoints).await;
    let defaults = json!({ "headers": { "Upstash-Forward-X-From": "the group", "Upstash-Retries": "0" } });
    s.send_json(Method::PATCH, "/v2/topics/orders", defaults).await;
    s.send_json(Method::POST, "/v2/topics/empty/endpoints", json!({ "endpoints": [] })).await;
    let other = json!({ "endpoints": [{ "url": "https://user:password@example.com/" }] });
    s.send_json(Method::POST, "/v2/topics/other/endpoints", other).await;
    for path in ["/v2/topics", "/v2/topics?count=1", "/v2/topics?count=1&cursor=orders", "/v2/topics/orders"] {
        s.get(path).await;
    }

    let headers = [("Upstash-Forward-X-Tenant", "t"), ("Upstash-Label", "l"), ("Upstash-Deduplication-Id", "d")];
    let published = s.send(Method::POST, "/v2/publish/orders", &headers, "body").await.body;
    s.send(Method::POST, "/v2/publish/orders", &headers, "body").await;
    for slot in published.as_array().expect("a list") {
        let id: MessageId = serde_json::from_value(slot["messageId"].clone()).expect("an id");
        s.app.wait_for(id, StepKind::Failed).await;
        s.show(id).await;
        s.get(&format!("/v2/dlq?messageId={id}&topicName=orders")).await;
    }
    let by_name = json!({ "endpoints": [{ "name": "billing" }] });
    s.send_json(Method::DELETE, "/v2/topics/orders/endpoints", by_name).await;
    s.get("/v2/topics/orders").await;
    let queued = s.send(Method::POST, "/v2/enqueue/mail/orders", &[("Upstash-Delay", "1h")], "").await.body;
    s.show(serde_json::from_value(queued[0]["messageId"].clone()).expect("an id")).await;
    s.delete("/v2/topics/orders").await;
    s.delete("/v2/topics/orders").await;
    s.get("/v2/topics/orders").await;
    s.send_json(Method::DELETE, "/v2/topics/none/endpoints", json!({ "endpoints": [{ "url": a }] })).await;
    s.send_json(Method::PATCH, "/v2/topics/none", json!({ "headers": {} })).await;
    s.finish();
}
