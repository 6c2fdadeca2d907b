//! Outcomes of deliveries, as they are read back.

use dispatch::dispatcher::StepKind;
use sigpost_qstash::MessageId;

use super::session::Session;
use crate::support::Answer;

/// Publishes without retries, waits for the failure, and reads all data of the message.
async fn fail(s: &mut Session, path: &str, headers: &[(&str, &str)]) {
    let id = s.publish(path, &[headers, &[("Upstash-Retries", "0")]].concat(), path).await;
    s.app.wait_for(id, StepKind::Failed).await;
    s.show(id).await;
    s.get(&format!("/v2/dlq?messageId={id}")).await;
}

#[tokio::test]
async fn message_is_delivered_after_a_retry() {
    let mut s = Session::start("delivered_after_a_retry").await;
    s.app.receiver.answers([
        Answer::status(503).header("X-Why", "busy").body("later").held(),
        Answer::status(200).header("X-Trace", "2").body("done").held(),
    ]);
    let id = s.publish("/hook", &[("Upstash-Retry-Delay", "3600000"), ("Upstash-Label", "a")], "body").await;
    s.app.receiver.next().await;
    s.show(id).await;
    s.release().await;
    s.app.wait_for(id, StepKind::Retried).await;
    s.show(id).await;
    s.post(&format!("/v2/messages/{id}/retry")).await;
    s.app.receiver.next().await;
    s.show(id).await;
    s.release().await;
    s.app.wait_for(id, StepKind::Delivered).await;
    s.show(id).await;
    s.get(&format!("/v2/events?messageId={id}")).await;
    s.finish();
}

#[tokio::test]
async fn message_fails_after_all_retries() {
    let mut s = Session::start("failed_after_all_retries").await;
    s.app.receiver.otherwise(Answer::status(500).header("X-Why", "bug").body("sorry"));
    let id = s
        .publish("/hook", &[("Upstash-Retries", "2"), ("Upstash-Retry-Delay", "3600000 * (1 + retried)")], "body")
        .await;
    for retries in 1..=2 {
        s.app.wait_for_times(id, StepKind::Retried, retries).await;
        s.post(&format!("/v2/messages/{id}/retry")).await;
    }
    s.app.wait_for(id, StepKind::Failed).await;
    s.show(id).await;
    s.get("/v2/dlq").await;
    s.finish();
}

#[tokio::test]
async fn each_kind_of_failure_is_read_back() {
    let mut s = Session::start("failures_of_each_kind").await;
    s.app.receiver.answers([
        Answer::status(404).body("not found"),
        Answer::status(302).header("Location", "/elsewhere"),
        Answer::status(489).header("Upstash-NonRetryable-Error", "true").body("never"),
        Answer::status(200).held(),
    ]);
    fail(&mut s, "/missing", &[]).await;
    fail(&mut s, "/moved", &[]).await;
    let id = s.publish("/invalid", &[("Upstash-Retries", "5")], "").await;
    s.app.wait_for(id, StepKind::Failed).await;
    s.show(id).await;
    fail(&mut s, "/slow", &[("Upstash-Timeout", "1s")]).await;

    s.send(reqwest::Method::POST, "/v2/publish/http://localhost:1/closed", &[("Upstash-Retries", "0")], "").await;
    let page = s.get("/v2/events?path=/closed&state=CREATED").await;
    let id: MessageId = serde_json::from_value(page["events"][0]["messageId"].clone()).expect("an id");
    s.app.wait_for(id, StepKind::Failed).await;
    s.show(id).await;
    s.get("/v2/dlq?order=earliestFirst").await;
    s.get("/v2/dlq?responseStatus=0&order=earliestFirst").await;
    s.finish();
}

#[tokio::test]
async fn next_deliveries_are_planned_by_response_or_backoff() {
    let mut s = Session::start("times_of_retries").await;
    s.app.receiver.answers([
        Answer::status(429).header("Retry-After", "7200"),
        Answer::status(500),
        Answer::status(500),
        Answer::status(500),
    ]);
    let id = s.publish("/retry-after", &[("Upstash-Retry-Delay", "1000")], "").await;
    s.app.wait_for(id, StepKind::Retried).await;
    s.show(id).await;
    let id = s.publish("/backoff", &[], "").await;
    for retries in 1..=3 {
        s.app.wait_for_times(id, StepKind::Retried, retries).await;
        s.show(id).await;
        s.post(&format!("/v2/messages/{id}/retry")).await;
    }
    s.app.wait_for(id, StepKind::Delivered).await;
    s.show(id).await;
    s.finish();
}
