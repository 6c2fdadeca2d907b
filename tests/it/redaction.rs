//! `Upstash-Redact-Fields` hides the same values in everything derived from a message.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_qstash::{CallbackKind, MessageId};

use crate::support::{Answer, Receiver, TestApp};

const SECRET: &str = "s3cret-of-the-sender";
const HIDDEN: &str = "REDACTED:";

/// Decodes all base64 on a page, twice: an event has a callback's body, which contains the message's body.
fn decoded(value: &Value) -> String {
    fn texts(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                all.push(text.clone());
                if let Ok(Ok(text)) = BASE64_STANDARD.decode(text).map(String::from_utf8) {
                    match serde_json::from_str::<Value>(&text) {
                        Ok(inner @ Value::Object(_)) => texts(&inner, all),
                        _ => all.push(text),
                    }
                } else if let Ok(inner @ Value::Object(_)) = serde_json::from_str(text) {
                    texts(&inner, all);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
            Value::Object(fields) => fields.values().for_each(|field| texts(field, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    texts(value, &mut all);
    all.join("\n")
}

async fn assert_hidden(app: &TestApp, id: MessageId) {
    for path in [format!("/v2/messages/{id}"), format!("/v2/events?messageId={id}"), format!("/v2/dlq?messageId={id}")]
    {
        let shown = decoded(&app.get(&path).await.body);
        assert!(!shown.contains(SECRET), "{path}: {shown}");
    }
}

#[tokio::test]
async fn callbacks_redact_the_fields_of_their_message() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    // Both responses contain the secret.
    app.receiver.otherwise(Answer::status(500).header("Authorization", SECRET).body(SECRET));
    receiver.otherwise(Answer::status(500).header("Authorization", SECRET).body(SECRET));
    for redact in ["body,header", "body,header[Authorization]"] {
        let headers = [
            ("Upstash-Retries", "0"),
            ("Upstash-Redact-Fields", redact),
            ("Upstash-Forward-Authorization", SECRET),
            ("Upstash-Callback", &*receiver.url("/each")),
            ("Upstash-Callback-Forward-Authorization", SECRET),
            ("Upstash-Failure-Callback", &*receiver.url("/last")),
            ("Upstash-Failure-Callback-Forward-Authorization", SECRET),
        ];
        let id = app.publish_here(&headers, SECRET).await.id();
        app.wait_for(id, StepKind::Failed).await;
        for request in receiver.next_many(2).await {
            let report = request.json();
            assert_eq!(report["sourceHeader"]["Authorization"], json!([SECRET]), "deliveries have the originals");
            assert_eq!(report["sourceBody"], BASE64_STANDARD.encode(SECRET));
            assert_eq!(request.header("authorization"), SECRET);
        }
        let reports =
            [CallbackKind::Callback, CallbackKind::FailureCallback].map(|kind| MessageId::of_callback(id, kind, 0));
        for report in reports {
            app.wait_for(report, StepKind::Failed).await;
            assert_hidden(&app, report).await;
            let message = app.message(report).await;
            assert_eq!(message["header"]["Authorization"][0].as_str().map(|text| &text[..9]), Some(HIDDEN));
            let body: Value = serde_json::from_str(message["body"].as_str().expect("a body")).expect("JSON");
            assert_eq!((&body["status"], &body["sourceMessageId"]), (&json!(500), &json!(id)));
            assert!(body["sourceHeader"]["Authorization"][0].as_str().is_some_and(|text| text.starts_with(HIDDEN)));
        }
        let message = app.message(id).await;
        for field in ["callbackHeader", "failureCallbackHeader"] {
            assert!(
                message[field]["Authorization"][0].as_str().is_some_and(|text| text.starts_with(HIDDEN)),
                "{field}"
            );
        }
    }
}

#[tokio::test]
async fn callback_redacts_its_own_fields() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    let headers = [
        ("Upstash-Redact-Fields", "header[X-One]"),
        ("Upstash-Forward-X-One", SECRET),
        ("Upstash-Callback", &*receiver.url("/each")),
        ("Upstash-Callback-Redact-Fields", "body,header[X-Two]"),
        ("Upstash-Callback-Forward-X-Two", SECRET),
    ];
    let id = app.publish_here(&headers, SECRET).await.id();
    receiver.next().await;
    let report = MessageId::of_callback(id, CallbackKind::Callback, 0);
    app.wait_for(report, StepKind::Delivered).await;
    assert_hidden(&app, report).await;
    // Its message hides fewer values.
    assert_eq!(app.message(id).await["body"], SECRET);
}

#[tokio::test]
async fn redriven_message_stays_redacted() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    receiver.otherwise(Answer::status(500));
    app.receiver.answers([Answer::status(500)]);
    let headers = [
        ("Upstash-Retries", "0"),
        ("Upstash-Redact-Fields", "body,header[Authorization]"),
        ("Upstash-Forward-Authorization", SECRET),
        ("Upstash-Failure-Callback", &*receiver.url("/last")),
    ];
    let id = app.publish_here(&headers, SECRET).await.id();
    app.wait_for(id, StepKind::Failed).await;
    let report = MessageId::of_callback(id, CallbackKind::FailureCallback, 0);
    app.wait_for(report, StepKind::Failed).await;
    app.receiver.next().await;
    receiver.next().await;
    for failed in [id, report] {
        let letter = app.get(&format!("/v2/dlq?messageId={failed}")).await.body["messages"][0].clone();
        let path = format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"));
        // Even when the retry requests less.
        let retry = app.request(reqwest::Method::POST, &path).header("Upstash-Redact-Fields", "header[X-Other]");
        let again = crate::support::answered(retry).await.id();
        let receiver = if failed == id { &app.receiver } else { &receiver };
        let request = receiver.next().await;
        assert!(decoded(&json!(String::from_utf8_lossy(&request.body))).contains(SECRET), "the original is delivered");
        assert_hidden(&app, again).await;
    }
}

/// Another release may have stored such values.
#[tokio::test]
async fn unreadable_redaction_hides_everything_and_the_message_is_delivered() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let receiver = Receiver::start().await;
    receiver.otherwise(Answer::status(500));
    let callback = receiver.url("/failed");
    let headers = [
        ("Upstash-Retries", "0"),
        ("Upstash-Redact-Fields", "header[X-Nothing]"),
        ("Upstash-Forward-Authorization", SECRET),
        ("Upstash-Failure-Callback", &*callback),
    ];
    let id = app.publish(&receiver.url("/hook"), &headers, SECRET).await.id();
    app.database.execute("update messages set redact = 'body[1]', retry_delay = 'soon', callback = '7'").await;
    let delivering = TestApp::start_on(&app.database, |_| {}).await;
    delivering.wait_for(id, StepKind::Failed).await;
    assert_eq!(receiver.next().await.body, SECRET);
    receiver.next().await;
    assert_hidden(&app, id).await;
    assert!(decoded(&app.get("/v2/events").await.body).contains(HIDDEN));
    assert!(!decoded(&app.get("/v2/events").await.body).contains(SECRET), "the callback hides it as well");
}
