//! Callbacks report attempts, and are messages themselves.

use dispatch::dispatcher::StepKind;
use serde_json::json;
use sigpost_qstash::{CallbackKind, KeyUsed, MessageId, SigningKeys, Verifier};

use crate::support::{Answer, Received, Receiver, TestApp};

/// Wire reference, section 10: rows 30 and 31.
#[tokio::test]
async fn every_attempt_is_reported_and_the_failure_once() {
    let app = TestApp::start().await;
    let (each, last) = (Receiver::start().await, Receiver::start().await);
    app.receiver.otherwise(Answer::status(500).header("X-Why", "bug").body("not \u{2713}"));
    let headers = [
        ("Content-Type", "text/plain"),
        ("Upstash-Retries", "1"),
        ("Upstash-Callback", &*each.url("/each?a=1")),
        ("Upstash-Failure-Callback", &*last.url("/last")),
        ("Upstash-Forward-X-Shop", "a"),
        ("Upstash-Label", "only the message's"),
    ];
    let id = app.publish_here(&headers, "source").await.id();
    app.wait_for(id, StepKind::Retried).await;
    let first_report = each.next().await;
    assert!(last.all_so_far().await.is_empty());
    app.make_messages_due().await;
    app.wait_for(id, StepKind::Failed).await;
    let (second_report, failure) = (each.next().await, last.next().await);

    let mut body = first_report.json();
    let message = app.message(id).await;
    assert!(body["createdAt"].is_i64() && body["notBefore"].is_i64(), "numbers, not texts: {body}");
    assert_eq!(body["header"]["X-Why"], json!(["bug"]));
    body.as_object_mut().expect("an object").remove("header");
    assert_eq!(
        body,
        json!({
            "status": 500,
            "body": "bm90IOKckw==",
            "retried": 0,
            "maxRetries": 1,
            "sourceMessageId": id,
            "url": app.receiver.url("/hook"),
            "method": "POST",
            "sourceHeader": { "Content-Type": ["text/plain"], "X-Shop": ["a"] },
            "sourceBody": "c291cmNl",
            "notBefore": message["notBefore"],
            "createdAt": message["createdAt"],
            "callerIP": "127.0.0.1",
        })
    );
    assert_eq!((second_report.json()["retried"].as_i64(), second_report.json().get("dlqId")), (Some(1), None));
    let letter = &app.get("/v2/dlq").await.body["messages"][0];
    assert_eq!(failure.json()["dlqId"], letter["dlqId"]);
    // The ID of a callback follows from the ID of its message.
    let expected = [(CallbackKind::Callback, 0), (CallbackKind::Callback, 1), (CallbackKind::FailureCallback, 1)]
        .map(|(kind, retried)| MessageId::of_callback(id, kind, retried).to_string());
    let reports = [&first_report, &second_report, &failure];
    assert_eq!(reports.map(|report| report.header("upstash-message-id").to_owned()), expected);
    assert_eq!(failure.json()["retried"], 1);

    for (report, url) in [(first_report, each.url("/each?a=1")), (failure, last.url("/last"))] {
        assert_eq!((report.method.as_str(), report.header("content-type")), ("POST", "application/json"));
        assert_eq!((report.header("x-shop"), report.header("upstash-retried")), ("", "0"));
        let verifier = Verifier::new(&SigningKeys::dev(), sigpost_qstash::verify::DEFAULT_TOLERANCE);
        let token = report.header("upstash-signature");
        let verified = verifier.verify(token, &url, &report.body, jiff::Timestamp::now());
        assert_eq!(verified.expect("a valid signature").key, KeyUsed::Current);
        let own = app.message(id_of(&report)).await;
        assert_eq!((own["maxRetries"].as_i64(), own.get("labels")), (Some(1), None));
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 4);
}

#[tokio::test]
async fn delivery_sends_the_callback_and_no_failure_callback() {
    let app = TestApp::start().await;
    let reports = Receiver::start().await;
    let url = reports.url("/report");
    app.receiver.answers([Answer::status(201).body("made")]);
    let id = app.publish_here(&[("Upstash-Callback", &url), ("Upstash-Failure-Callback", &url)], "").await.id();

    let report = reports.next().await.json();
    assert_eq!((&report["status"], &report["body"]), (&json!(201), &json!("bWFkZQ==")));
    assert_eq!((&report["sourceMessageId"], &report["sourceBody"]), (&json!(id), &json!("")));
    assert_eq!(app.database.count("select count(*) from messages where callback_of is not null").await, 1);
}

#[tokio::test]
async fn attempt_without_a_response_is_reported_with_status_zero() {
    let app = TestApp::start().await;
    let reports = Receiver::start().await;
    app.receiver.answers([Answer::status(200).broken()]);
    app.publish_here(&[("Upstash-Callback", &reports.url("/report"))], "").await;

    let report = reports.next().await.json();
    assert_eq!((&report["status"], &report["header"], &report["body"]), (&json!(0), &json!({}), &json!("")));
    assert!(
        report["error"].as_str().expect("a reason").starts_with("the connection failed before the end of the response")
    );
}

#[tokio::test]
async fn callback_is_configured_by_its_own_headers() {
    let app = TestApp::start().await;
    let (each, last) = (Receiver::start().await, Receiver::start().await);
    app.receiver.otherwise(Answer::status(500));
    let headers = [
        ("Upstash-Retries", "0"),
        ("Upstash-Timeout", "50s"),
        ("Upstash-Callback", &*each.url("/each")),
        ("Upstash-Callback-Method", "PUT"),
        ("Upstash-Callback-Retries", "7"),
        ("Upstash-Callback-Retry-Delay", "1500"),
        ("Upstash-Callback-Timeout", "20s"),
        ("Upstash-Callback-Label", "report"),
        ("Upstash-Callback-Forward-X-Key", "each"),
        ("Upstash-Callback-Forward-Content-Type", "application/vnd.report+json"),
        ("Upstash-Failure-Callback", &*last.url("/last")),
        ("Upstash-Failure-Callback-Forward-X-Key", "last"),
        ("Upstash-Failure-Callback-Delay", "1h"),
    ];
    let id = app.publish_here(&headers, "").await.id();

    let report = each.next().await;
    assert_eq!((report.method.as_str(), report.header("x-key")), ("PUT", "each"));
    assert_eq!(report.header("content-type"), "application/vnd.report+json");
    let own = app.message(id_of(&report)).await;
    assert_eq!((&own["maxRetries"], &own["timeout"]), (&json!(7), &json!(20_000)));
    assert_eq!((&own["retryDelayExpression"], &own["labels"]), (&json!("1500"), &json!(["report"])));

    app.wait_for(id, StepKind::Failed).await;
    let delayed = "select count(*) from message_states where due_at = created_at + interval '1 hour'";
    assert_eq!(app.database.count(delayed).await, 1);
    app.make_messages_due().await;
    assert_eq!(last.next().await.header("x-key"), "last");
}

#[tokio::test]
async fn failed_callback_is_retried_and_has_no_callback() {
    let app = TestApp::start().await;
    let reports = Receiver::start().await;
    reports.otherwise(Answer::status(500));
    let url = reports.url("/report");
    let headers = [("Upstash-Retries", "1"), ("Upstash-Callback", &*url), ("Upstash-Failure-Callback", &*url)];
    app.publish_here(&headers, "").await;

    let report = id_of(&reports.next().await);
    app.wait_for(report, StepKind::Retried).await;
    app.make_messages_due().await;
    assert_eq!(reports.next().await.header("upstash-retried"), "1");
    app.wait_for(report, StepKind::Failed).await;
    assert_eq!(app.states(report).await, "CREATED ACTIVE ERROR RETRY ACTIVE ERROR FAILED");
    assert_eq!(app.database.count("select count(*) from messages").await, 2);
    assert_eq!(app.get("/v2/dlq").await.body["messages"][0]["messageId"], json!(report));
}

fn id_of(request: &Received) -> MessageId {
    request.header("upstash-message-id").parse().expect("a message id")
}
