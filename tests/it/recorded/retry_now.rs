//! Messages that are delivered before their scheduled time.

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::json;

use super::session::Session;
use crate::support::Answer;

#[tokio::test]
async fn scheduled_message_is_delivered_now() {
    let mut s = Session::start("retried_now").await;
    s.app.receiver.answers([Answer::status(200), Answer::status(500), Answer::status(500), Answer::status(200).held()]);
    let delayed = s.publish("/delayed", &[("Upstash-Delay", "1h")], "").await;
    s.show(delayed).await;
    s.post(&format!("/v2/messages/{delayed}/retry")).await;
    s.app.wait_for(delayed, StepKind::Delivered).await;
    s.show(delayed).await;

    let failed = s.publish("/failed", &[("Upstash-Retries", "0")], "").await;
    s.app.wait_for(failed, StepKind::Failed).await;
    let retrying = s.publish("/retrying", &[("Upstash-Retry-Delay", "3600000")], "").await;
    s.app.wait_for(retrying, StepKind::Retried).await;
    s.post(&format!("/v2/messages/{retrying}/retry")).await;
    s.app.wait_for_times(retrying, StepKind::Pushed, 2).await;
    s.show(retrying).await;
    let cancelled = s.publish("/cancelled", &[("Upstash-Delay", "1h")], "").await;
    s.delete(&format!("/v2/messages/{cancelled}")).await;
    for id in [delayed, failed, retrying, cancelled] {
        s.post(&format!("/v2/messages/{id}/retry")).await;
    }
    s.post("/v2/messages/msg_1111111111111111/retry").await;
    s.post("/v2/messages/no-id/retry").await;
    s.release().await;
    s.app.wait_for(retrying, StepKind::Delivered).await;
    s.show(retrying).await;
    s.finish();
}

#[tokio::test]
async fn queued_message_made_due_keeps_its_position() {
    let mut s = Session::start("retried_now_in_a_queue").await;
    s.send_json(Method::POST, "/v2/queues", json!({ "queueName": "mail", "paused": true })).await;
    let queue = ("Upstash-Queue-Name", "mail");
    let first = s.publish("/first", &[queue], "").await;
    let second = s.publish("/second", &[queue, ("Upstash-Delay", "1h")], "").await;
    for id in [first, second] {
        s.post(&format!("/v2/messages/{id}/retry")).await;
        s.show(id).await;
    }
    s.get("/v2/queues/mail").await;
    s.post("/v2/queues/mail/resume").await;
    s.app.wait_for(second, StepKind::Delivered).await;
    s.show(first).await;
    s.show(second).await;
    s.get("/v2/queues/mail").await;
    s.finish();
}
