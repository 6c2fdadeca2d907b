//! Request bodies have a budget, and statements a maximum size.

use std::time::Duration;

use dispatch::BodyBudget;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sigpost_qstash::DEV_TOKEN;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::body;
use crate::support::{TestApp, answered};

const LARGE: usize = 500_000;
/// Sufficient for one large body at a time.
const BUDGET: BodyBudget = BodyBudget { bytes: 600_000, patience: Duration::from_millis(200) };

/// Sends half of a publish.
async fn half_sent(app: &TestApp) -> TcpStream {
    let address = app.url.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let destination = app.receiver.url("/hook");
    let head = format!(
        "POST /v2/publish/{destination} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {DEV_TOKEN}\r\n\
         Connection: close\r\nContent-Length: {LARGE}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    stream.write_all(body(LARGE / 2).as_bytes()).await.expect("written");
    stream
}

#[tokio::test]
async fn large_publish_over_budget_gets_503_and_small_ones_succeed() {
    let app = TestApp::start_with(|config| config.bodies = BUDGET).await;
    let mut first = half_sent(&app).await;
    // Until the server reads the first body.
    while app.publish_here(&[], &body(LARGE)).await.status == StatusCode::OK {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = app.database.count("select count(*) from messages").await;

    let publish = || app.request(Method::POST, &format!("/v2/publish/{}", app.receiver.url("/hook")));
    let of_unknown_length = reqwest::Body::wrap_stream(futures_util::stream::iter(
        body(LARGE).into_bytes().chunks(10_000).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect::<Vec<_>>(),
    ));
    for large in [publish().body(body(LARGE)), publish().body(of_unknown_length)] {
        let rejected = answered(large).await;
        assert_eq!(
            (rejected.status, &rejected.headers["retry-after"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
        );
        assert_eq!(rejected.error(), "too many large requests are in progress; nothing was stored, retry later");
    }
    assert_eq!(app.publish_here(&[], "small").await.status, StatusCode::OK);

    first.write_all(body(LARGE / 2).as_bytes()).await.expect("written");
    let mut response = String::new();
    first.read_to_string(&mut response).await.expect("a response");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert_eq!(app.publish_here(&[], &body(LARGE)).await.status, StatusCode::OK);
    assert_eq!(app.database.count("select count(*) from messages").await, before + 3);
}

#[tokio::test]
async fn body_larger_than_the_budget_is_read_alone() {
    let app = TestApp::start_with(|config| config.bodies = BUDGET).await;
    let published = app.publish_here(&[("Upstash-Delay", "1h")], &body(2 * LARGE)).await;
    assert_eq!(published.status, StatusCode::OK);
    assert_eq!(app.message(published.id()).await["body"].as_str().map(str::len), Some(2 * LARGE));
}

#[tokio::test]
async fn batch_of_large_messages_is_stored_in_several_statements() {
    let app = TestApp::start().await;
    let destination = app.receiver.url("/hook");
    let item = json!({ "destination": destination, "headers": { "Upstash-Delay": "1h" }, "body": body(1_500_000) });
    let batch = app.request(Method::POST, "/v2/batch").json(&vec![item; 6]);
    let slots = answered(batch).await.body;
    let ids: Vec<&str> =
        slots.as_array().expect("a list").iter().filter_map(|slot| slot["messageId"].as_str()).collect();
    assert_eq!(ids.len(), 6);
    // Two fit in one statement.
    assert_eq!(app.database.count("select count(distinct xmin::text) from messages").await, 3);
    // In the order of the batch.
    let order = "select count(*) from (select created_at < lag(created_at) over (order by id) as early from messages) m where early";
    assert_eq!(app.database.count(order).await, 0);
}
