//! The effect of a destination's response.

use dispatch::dispatcher::StepKind;
use serde_json::json;

use crate::support::{Answer, TestApp};

#[tokio::test]
async fn exhausted_retries_create_a_dead_letter_with_the_last_response() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500).body("first"), Answer::status(502).header("X-Why", "b").body("last")]);
    let id = app.publish_here(&[("Upstash-Retries", "1")], "").await.id();
    app.wait_for(id, StepKind::Retried).await;
    app.make_messages_due().await;
    app.wait_for(id, StepKind::Failed).await;

    assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR RETRY ACTIVE ERROR FAILED");
    assert_eq!(app.message(id).await["state"], "FAILED");
    let letters = app.get("/v2/dlq").await.body;
    assert_eq!(letters["messages"].as_array().map(Vec::len), Some(1));
    let letter = &letters["messages"][0];
    assert_eq!(letter["messageId"], json!(id));
    assert_eq!((&letter["responseStatus"], &letter["responseBody"]), (&json!(502), &json!("last")));
    assert_eq!(letter["responseHeader"]["X-Why"], json!(["b"]));
}

/// Wire reference, section 10: row 22; section 0: trap 30.
#[tokio::test]
async fn retry_time_follows_response_then_publisher_then_backoff() {
    let app = TestApp::start().await;
    let expression = "1000 * (2 + retried)";
    for (header, sender, expected_ms) in [
        (Some(("Retry-After", "7")), None, 7_000),
        (Some(("Retry-After", "7")), Some(expression), 7_000),
        (Some(("X-RateLimit-Reset", "6m5s")), None, 365_000),
        (Some(("Retry-After", "soon")), Some(expression), 2_000),
        (None, Some(expression), 2_000),
        (None, Some("pow(retried, 0) * 1500.5"), 1_500),
        // e^2.5 seconds.
        (None, None, 12_182),
        (Some(("Retry-After", "90000")), None, 86_400_000),
    ] {
        let answer = Answer::status(429);
        app.receiver.answers([match header {
            Some((name, value)) => answer.header(name, value),
            None => answer,
        }]);
        let headers: Vec<_> = sender.map(|sender| ("Upstash-Retry-Delay", sender)).into_iter().collect();
        let id = app.publish_here(&headers, "").await.id();
        app.wait_for(id, StepKind::Retried).await;

        let event = app.event(id, "RETRY").await;
        let delay_ms = event["nextDeliveryTime"].as_i64().expect("a time") - event["time"].as_i64().expect("a time");
        assert!((delay_ms - expected_ms).abs() <= 1, "{delay_ms} ms with {header:?} and {sender:?}");
        app.delete(&format!("/v2/messages/{id}")).await;
    }
    let date = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
    let date_text = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    app.receiver.answers([Answer::status(503).header("Retry-After", date_text)]);
    let id = app.publish_here(&[], "").await.id();
    app.wait_for(id, StepKind::Retried).await;
    let at = app.event(id, "RETRY").await["nextDeliveryTime"].as_i64().expect("a time");
    assert!((at - date.as_millisecond()).abs() <= 2_000, "{at} instead of {date}");
}

#[tokio::test]
async fn retry_after_zero_retries_immediately() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(503).header("Retry-After", "0")]);
    let id = app.publish_here(&[], "").await.id();

    app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR RETRY ACTIVE DELIVERED");
}

#[tokio::test]
async fn destination_can_stop_retries() {
    let app = TestApp::start().await;
    let plain = Answer::status(489);
    app.receiver.answers([plain.clone().header("Upstash-NonRetryable-Error", "true"), plain]);

    let final_one = app.publish_here(&[], "").await.id();
    app.wait_for(final_one, StepKind::Failed).await;
    assert_eq!(app.states(final_one).await, "CREATED ACTIVE ERROR FAILED");
    assert_eq!(app.database.count("select count(*) from dead_letters where response_status = 489").await, 1);

    let ordinary = app.publish_here(&[], "").await.id();
    app.wait_for(ordinary, StepKind::Retried).await;
}

#[tokio::test]
async fn redirect_fails_the_attempt_and_is_not_followed() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(302).header("Location", app.receiver.url("/elsewhere"))]);
    let id = app.publish_here(&[], "").await.id();
    app.wait_for(id, StepKind::Retried).await;

    let event = app.event(id, "ERROR").await;
    assert_eq!(
        (&event["responseStatus"], &event["error"]),
        (&json!(302), &json!("the destination returned status 302"))
    );
    let paths: Vec<_> = app.receiver.all_so_far().await.iter().map(|request| request.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/hook"]);
}

#[tokio::test]
async fn response_with_arbitrary_bytes_is_recorded() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500).header("X-Text", "grün").body(&b"\0\xff\xfe"[..])]);
    let id = app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    app.wait_for(id, StepKind::Failed).await;

    let event = app.event(id, "ERROR").await;
    assert_eq!(event["responseBody"], "AP/+");
    assert_eq!(event["responseHeader"]["X-Text"], json!(["grün"]));
    assert_eq!(event["responseHeaders"], event["responseHeader"]);
    let letter = &app.get("/v2/dlq").await.body["messages"][0];
    assert_eq!((&letter["responseBodyBase64"], letter.get("responseBody")), (&json!("AP/+"), None));
}

#[tokio::test]
async fn delivered_event_shows_the_response_status() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(201)]);
    let id = app.publish_here(&[], "").await.id();
    app.wait_for(id, StepKind::Delivered).await;

    let event = app.event(id, "DELIVERED").await;
    assert_eq!((&event["responseStatus"], event.get("error")), (&json!(201), None));
}
