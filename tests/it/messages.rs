//! `GET` and `DELETE /v2/messages/{id}`.

use dispatch::dispatcher::StepKind;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sigpost_qstash::{CallbackKind, MessageId};

use crate::support::{Answer, TestApp};

/// Wire reference, section 10: rows 7 and 8; section 0: trap 17.
#[tokio::test]
async fn message_shows_all_options_of_its_publish() {
    let app = TestApp::start().await;
    let headers = [
        ("Content-Type", "application/json"),
        ("Upstash-Method", "PATCH"),
        ("Upstash-Retries", "5"),
        ("Upstash-Retry-Delay", "1000 * (1 + retried)"),
        ("Upstash-Timeout", "1m30s"),
        ("Upstash-Delay", "10d"),
        ("Upstash-Callback", "https://example.com/report?foo=bar"),
        ("Upstash-Callback-Forward-X-Key", "a"),
        ("Upstash-Failure-Callback", "https://example.com"),
        ("Upstash-Failure-Callback-Forward-X-Key", "b"),
        ("Upstash-Label", "first, second"),
        ("Upstash-Forward-Bypass-Tunnel-Reminder", "1"),
    ];
    let id = app.publish_here(&headers, r#"{"a":"ü"}"#).await.id();

    let mut message = app.message(id).await;
    let created_at = message["createdAt"].as_i64().expect("a number");
    assert!((created_at - jiff::Timestamp::now().as_millisecond()).abs() < 60_000);
    let fields = message.as_object_mut().expect("an object");
    fields.retain(|name, _| name != "createdAt" && name != "notBefore");
    assert_eq!(
        message,
        json!({
            "messageId": id,
            "url": app.receiver.url("/hook"),
            "method": "PATCH",
            "maxRetries": 5,
            "header": { "Bypass-Tunnel-Reminder": ["1"], "Content-Type": ["application/json"] },
            "body": r#"{"a":"ü"}"#,
            "callback": "https://example.com/report?foo=bar",
            "callbackHeader": { "X-Key": ["a"] },
            "callbackMessageId": MessageId::of_callback(id, CallbackKind::Callback, 0),
            "failureCallback": "https://example.com",
            "failureCallbackMessageId": MessageId::of_callback(id, CallbackKind::FailureCallback, 5),
            "failureCallbackHeader": { "X-Key": ["b"] },
            "callerIP": "127.0.0.1",
            "callerIp": "127.0.0.1",
            "label": "first",
            "labels": ["first", "second"],
            "retryDelayExpression": "1000 * (1 + retried)",
            "timeout": 90_000,
            "state": "CREATED",
        })
    );
}

/// Wire reference, section 10: row 21; section 0: trap 15.
#[tokio::test]
async fn delivered_message_stays_readable() {
    let app = TestApp::start().await;
    let id = app.publish_here(&[("Upstash-Label", "kept")], "").await.id();
    app.wait_for(id, StepKind::Delivered).await;

    let message = app.message(id).await;
    assert_eq!((&message["label"], &message["state"]), (&json!("kept"), &json!("DELIVERED")));
    assert_eq!((message["maxRetries"].as_i64(), message.get("body")), (Some(3), None));
}

/// Wire reference, section 10: rows 3 and 11; section 0: traps 4 and 5.
#[tokio::test]
async fn cancelled_pending_message_is_never_delivered() {
    let app = TestApp::start().await;
    let id = app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();

    let answer = app.delete(&format!("/v2/messages/{id}")).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({ "cancelled": 1 })));
    assert_eq!(app.states(id).await, "CREATED CANCEL_REQUESTED CANCELED");
    assert_eq!(app.message(id).await["state"], "CANCELED");
    let sql =
        "select count(*) from message_states where state = 'cancelled' and due_at is null and finished_at is not null";
    assert_eq!(app.database.count(sql).await, 1);
}

/// Wire reference, section 0: trap 26.
#[tokio::test]
async fn cancellation_between_attempts_creates_no_dead_letter() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(500));
    let id = app.publish_here(&[], "").await.id();
    app.wait_for(id, StepKind::Retried).await;

    let answer = app.delete(&format!("/v2/messages/{id}")).await;
    assert_eq!(answer.body, json!({ "cancelled": 1 }));
    assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR RETRY CANCEL_REQUESTED CANCELED");
    assert_eq!(app.database.count("select count(*) from dead_letters").await, 0);
}

/// Wire reference, section 0: trap 26.
#[tokio::test]
async fn cancellation_in_flight_aborts_the_request() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(200).held());
    let id = app.publish_here(&[], "").await.id();
    app.receiver.next().await;

    let answer = app.delete(&format!("/v2/messages/{id}")).await;
    assert_eq!(answer.body, json!({ "cancelled": 1 }));
    app.receiver.caller_disconnected().await;
    assert_eq!(app.states(id).await, "CREATED ACTIVE CANCEL_REQUESTED CANCELED");
    app.app.shutdown().await;
    assert_eq!(app.app.dispatcher().expect("a dispatcher").in_flight(), 0, "its room is free again");
}

#[tokio::test]
async fn cancellation_in_another_process_aborts_the_request() {
    let pushing = TestApp::start().await;
    let cancelling = TestApp::start_on(&pushing.database, |config| config.dispatcher = None).await;
    pushing.receiver.otherwise(Answer::status(200).held());
    let id = pushing.publish_here(&[], "").await.id();
    pushing.receiver.next().await;

    assert_eq!(cancelling.delete(&format!("/v2/messages/{id}")).await.body, json!({ "cancelled": 1 }));
    pushing.receiver.caller_disconnected().await;
}

#[tokio::test]
async fn ended_message_cannot_be_cancelled() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(200), Answer::status(500)]);
    let delivered = app.publish_here(&[], "").await.id();
    app.wait_for(delivered, StepKind::Delivered).await;
    let failed = app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    app.wait_for(failed, StepKind::Failed).await;
    let cancelled = app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();
    app.delete(&format!("/v2/messages/{cancelled}")).await;

    for id in [delivered, failed, cancelled] {
        let before = app.states(id).await;
        assert_eq!(app.delete(&format!("/v2/messages/{id}")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.states(id).await, before);
    }
}

/// Wire reference, section 10: row 44.
#[tokio::test]
async fn unknown_message_is_not_found() {
    let app = TestApp::start().await;
    let unknown = MessageId::new().to_string();
    for id in [&*unknown, "msg_", "msg_0OIl", "1", "%00", "msg_1'%20or%201=1", &"x".repeat(5000)] {
        let path = format!("/v2/messages/{id}");
        assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND, "{id}");
        assert_eq!(app.delete(&path).await.status, StatusCode::NOT_FOUND, "{id}");
    }
}

/// The history of a message's attempts, as long as it is retained.
#[tokio::test]
async fn message_lists_its_attempts() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(503).header("X-Why", "busy").body("later"), Answer::status(200)]);
    let id = app.publish_here(&[("Upstash-Retry-Delay", "60000")], "").await.id();
    app.wait_for(id, StepKind::Retried).await;
    let message = app.message(id).await;
    let first = &message["attempts"][0];
    assert_eq!(message["state"], "RETRY");
    assert_eq!(first["nextDeliveryTime"].as_i64().unwrap() - first["endedAt"].as_i64().unwrap(), 60_000);
    assert_eq!((&first["responseHeader"]["X-Why"], &first["responseBody"]), (&json!(["busy"]), &json!("bGF0ZXI=")));

    app.make_messages_due().await;
    app.wait_for(id, StepKind::Delivered).await;
    let message = app.message(id).await;
    let attempts = message["attempts"].as_array().expect("attempts");
    let summary = attempts.iter().map(|a| json!([a["attempt"], a["state"], a["responseStatus"], a["error"]]));
    assert_eq!(
        Value::from_iter(summary),
        json!([[1, "ERROR", 503, "the destination returned status 503"], [2, "DELIVERED", 200, null]])
    );
    assert_eq!(message["state"], "DELIVERED");
}

#[tokio::test]
async fn scheduled_message_can_be_retried_now() {
    let app = TestApp::start().await;
    let retry = async |id: MessageId| app.post(&format!("/v2/messages/{id}/retry")).await;
    app.receiver.answers([Answer::status(200), Answer::status(500), Answer::status(200)]);

    let delayed = app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();
    let answer = retry(delayed).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({ "messageId": delayed })));
    app.wait_for(delayed, StepKind::Delivered).await;

    let retrying = app.publish_here(&[], "").await.id();
    app.wait_for(retrying, StepKind::Retried).await;
    assert_eq!(retry(retrying).await.status, StatusCode::OK);
    app.wait_for(retrying, StepKind::Delivered).await;
    assert_eq!(app.states(retrying).await, "CREATED ACTIVE ERROR RETRY ACTIVE DELIVERED");

    app.receiver.otherwise(Answer::status(200).held());
    let in_flight = app.publish_here(&[], "").await.id();
    app.wait_for(in_flight, StepKind::Pushed).await;
    let cancelled = app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();
    app.delete(&format!("/v2/messages/{cancelled}")).await;
    for (id, why) in [(in_flight, "in flight"), (delayed, "already delivered"), (cancelled, "already cancelled")] {
        let answer = retry(id).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(answer.error().contains(why), "{}", answer.error());
    }
    assert_eq!(retry(MessageId::new()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn message_retried_now_keeps_its_position_in_the_queue() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(200).held());
    let queue = ("Upstash-Queue-Name", "mail");
    let first = app.publish_here(&[queue], "1").await.id();
    app.wait_for(first, StepKind::Pushed).await;
    app.publish_here(&[queue], "2").await;
    let third = app.publish_here(&[queue, ("Upstash-Delay", "1h")], "3").await.id();

    assert_eq!(app.post(&format!("/v2/messages/{third}/retry")).await.status, StatusCode::OK);
    app.receiver.release(3);
    let bodies: Vec<_> = app.receiver.next_many(3).await.into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["1", "2", "3"]);
}
