//! Callbacks, which are messages themselves.

use dispatch::dispatcher::StepKind;
use serde_json::Value;
use sigpost_qstash::{CallbackKind, MessageId};

use super::session::Session;
use crate::support::{Answer, Receiver};

#[tokio::test]
async fn failed_message_is_read_back_with_its_callbacks() {
    let mut s = Session::start("callbacks_of_a_failure").await;
    let reports = Receiver::start().await;
    s.name_server(&reports, "reports");
    s.app.receiver.otherwise(Answer::status(500).header("X-Why", "bug").body("not \u{2713}"));
    reports.answers([Answer::status(200).body("thanks"), Answer::status(200), Answer::status(500).body("no")]);
    let (each, last) = (reports.url("/each?a=1"), reports.url("/last"));
    let headers = [
        ("Content-Type", "text/plain"),
        ("Upstash-Retries", "1"),
        ("Upstash-Retry-Delay", "3600000"),
        ("Upstash-Label", "a"),
        ("Upstash-Callback", &*each),
        ("Upstash-Callback-Forward-X-Key", "key"),
        ("Upstash-Failure-Callback", &*last),
        ("Upstash-Failure-Callback-Retries", "0"),
        ("Upstash-Failure-Callback-Delay", "1h"),
    ];
    let id = s.publish("/hook", &headers, "source").await;
    let callback = |kind, retried| MessageId::of_callback(id, kind, retried);
    let (first, second) = (callback(CallbackKind::Callback, 0), callback(CallbackKind::Callback, 1));
    s.app.wait_for(id, StepKind::Retried).await;
    s.app.wait_for(first, StepKind::Delivered).await;
    s.show(id).await;
    s.show(first).await;
    s.post(&format!("/v2/messages/{id}/retry")).await;
    s.app.wait_for(id, StepKind::Failed).await;
    s.app.wait_for(second, StepKind::Delivered).await;
    s.show(id).await;
    s.show(second).await;
    let failure = callback(CallbackKind::FailureCallback, 1);
    s.show(failure).await;
    s.post(&format!("/v2/messages/{failure}/retry")).await;
    s.app.wait_for(failure, StepKind::Failed).await;
    s.show(failure).await;
    let letters = s.get("/v2/dlq").await;
    assert_eq!(letters["messages"].as_array().map(Vec::len), Some(2));
    s.get(&format!("/v2/events?url={last}&order=earliestFirst")).await;
    // A callback has the time of the event that it reports. Two callbacks of one event are ordered by their IDs,
    // which are hashes, so the query omits `/last`.
    s.get("/v2/events?path=/hook,/each&order=earliestFirst").await;
    s.get("/v2/events?path=/hook,/each").await;
    s.finish();
}

#[tokio::test]
async fn delivered_message_is_read_back_with_its_callback() {
    let mut s = Session::start("callback_of_a_delivery").await;
    let reports = Receiver::start().await;
    s.name_server(&reports, "reports");
    s.app.receiver.answers([Answer::status(200).body("done")]);
    let (each, last) = (reports.url("/each"), reports.url("/last"));
    let headers = [("Upstash-Callback", &*each), ("Upstash-Failure-Callback", &*last), ("Upstash-Queue-Name", "mail")];
    let id = s.publish("/hook", &headers, "source").await;
    let callback = MessageId::of_callback(id, CallbackKind::Callback, 0);
    s.app.wait_for(callback, StepKind::Delivered).await;
    s.show(id).await;
    s.show(callback).await;
    s.get("/v2/queues/mail").await;
    let message: Value = s.app.message(id).await;
    s.get(&format!("/v2/messages/{}", message["failureCallbackMessageId"].as_str().expect("an id"))).await;
    s.finish();
}
