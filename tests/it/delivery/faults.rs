//! Destinations that fail to respond correctly.

use dispatch::dispatcher::StepKind;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Answer, TestApp};

#[tokio::test]
async fn timeout_fails_the_attempt() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(200).held()]);
    let id = app.publish_here(&[("Upstash-Timeout", "1s")], "").await.id();
    app.wait_for(id, StepKind::Retried).await;

    app.receiver.caller_disconnected().await;
    assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR RETRY");
    let event = app.event(id, "ERROR").await;
    assert_eq!(event["error"], "no complete response within 1000 ms");
    assert_eq!((event["timeout"].as_i64(), event.get("responseStatus")), (Some(1000), None));
}

#[tokio::test]
async fn maximum_attempt_duration_applies_without_a_timeout() {
    let app = TestApp::start_with(|config| {
        config.dispatcher.as_mut().expect("settings").longest_attempt = std::time::Duration::from_millis(200);
    })
    .await;
    app.receiver.answers([Answer::status(200).held()]);
    let id = app.publish_here(&[], "").await.id();

    app.wait_for(id, StepKind::Retried).await;
    assert_eq!(app.event(id, "ERROR").await["error"], "no complete response within 200 ms");
}

/// Wire reference, section 0: trap 28.
#[tokio::test]
async fn refused_connection_fails_the_attempt() {
    let app = TestApp::start().await;
    let unused = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("address");
    let id = app.publish(&format!("http://{unused}/hook"), &[("Upstash-Retries", "0")], "").await.id();
    app.wait_for(id, StepKind::Failed).await;

    assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR FAILED");
    let error = app.event(id, "ERROR").await["error"].as_str().expect("an error").to_owned();
    assert!(error.starts_with("cannot connect: "), "{error}");
    assert_eq!(app.get("/v2/dlq").await.body["messages"][0]["responseStatus"], 0);
}

#[tokio::test]
async fn incomplete_response_fails_the_attempt() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(200).broken()]);
    let in_the_body = app.publish_here(&[], "").await.id();
    app.wait_for(in_the_body, StepKind::Retried).await;
    assert_broken_off(&app.event(in_the_body, "ERROR").await);

    // Closed in the headers, and closed without a byte.
    for answer in [&b"HTTP/1.1 200 OK\r\nContent-Le"[..], b"", b"this is not HTTP\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("address"));
        let id = app.publish(&url, &[], "").await.id();
        let (mut socket, _) = listener.accept().await.expect("a caller");
        let _ = socket.read(&mut [0; 4096]).await.expect("a request");
        socket.write_all(answer).await.expect("written");
        drop(socket);
        app.wait_for(id, StepKind::Retried).await;
        assert_broken_off(&app.event(id, "ERROR").await);
    }
}

fn assert_broken_off(event: &Value) {
    let error = event["error"].as_str().expect("an error");
    assert!(error.starts_with("the connection failed before the end of the response: "), "{error}");
}

#[tokio::test]
async fn endless_response_is_truncated_and_its_connection_closed() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(200).endless(), Answer::status(500).endless()]);

    let delivered = app.publish_here(&[], "").await.id();
    app.wait_for(delivered, StepKind::Delivered).await;
    app.receiver.caller_disconnected().await;

    let failed = app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    app.wait_for(failed, StepKind::Failed).await;
    app.receiver.caller_disconnected().await;
    let letter = &app.get("/v2/dlq").await.body["messages"][0];
    assert_eq!(letter["responseBody"].as_str().map(str::len), Some(64 * 1024));
    let kept = "select max(length(response_body))::bigint from events";
    assert_eq!(app.database.count(kept).await, 64 * 1024);
}

#[tokio::test]
async fn response_with_many_headers_is_delivered_and_its_headers_truncated() {
    let app = TestApp::start().await;
    for (count, status) in [(150, 200), (1000, 200), (1000, 500)] {
        let value = "v".repeat(90);
        let answer = (0..count).fold(Answer::status(status), |a, number| a.header(format!("x-{number:04}"), &*value));
        app.receiver.answers([answer]);
        let id = app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
        let (step, state, most) = match status {
            200 => (StepKind::Delivered, "DELIVERED", 8 * 1024),
            _ => (StepKind::Failed, "ERROR", 64 * 1024),
        };
        app.wait_for(id, step).await;
        let event = app.event(id, state).await;
        assert_eq!(event["responseStatus"], status);
        let kept = event["responseHeader"].as_object().expect("headers");
        let size: usize = kept.iter().map(|(name, values)| name.len() + values[0].as_str().map_or(0, str::len)).sum();
        assert!(size <= most && size > most - 200, "{count}, {status}: {size}");
    }
}

#[tokio::test]
async fn response_over_the_header_limit_fails_the_attempt() {
    let app = TestApp::start().await;
    let answer = (0..5000).fold(Answer::status(200), |answer, number| answer.header(format!("x-{number}"), "1"));
    app.receiver.answers([answer]);
    let id = app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    app.wait_for(id, StepKind::Failed).await;

    assert_broken_off(&app.event(id, "ERROR").await);
}
