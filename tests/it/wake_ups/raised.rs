//! A publish that raises a limit wakes the blocked messages of that key, also if the publish itself is delayed or a
//! duplicate.

use serde_json::json;

use super::{next_path, publish, start};
use crate::support::{Answer, TestApp, answered};

/// Starts with one message that holds the only slot of `k`, and `/waiting` blocked.
async fn start_blocked() -> TestApp {
    let app = start().await;
    app.receiver.otherwise(Answer::status(200).held());
    publish(&app, "/running", &[("k", "parallelism=1")], &[("Upstash-Deduplication-Id", "running")]).await;
    assert_eq!(next_path(&app).await, "/running");
    publish(&app, "/waiting", &[("k", "parallelism=1")], &[]).await;
    app
}

const RAISED: (&str, &str) = ("k", "parallelism=3");

#[tokio::test]
async fn message_blocked_by_another_key_raises_the_limit() {
    let app = start_blocked().await;
    publish(&app, "/raising", &[("a", "parallelism=1"), RAISED], &[]).await;
    let mut started = [next_path(&app).await, next_path(&app).await];
    started.sort();
    assert_eq!(started, ["/raising", "/waiting"]);
}

#[tokio::test]
async fn delayed_message_raises_the_limit() {
    let app = start_blocked().await;
    publish(&app, "/raising", &[RAISED], &[("Upstash-Delay", "1h")]).await;
    assert_eq!(next_path(&app).await, "/waiting");
}

#[tokio::test]
async fn duplicate_raises_the_limit() {
    let app = start_blocked().await;
    publish(&app, "/raising", &[RAISED], &[("Upstash-Deduplication-Id", "running")]).await;
    assert_eq!(next_path(&app).await, "/waiting");
}

#[tokio::test]
async fn message_in_a_paused_queue_raises_the_limit() {
    let app = start_blocked().await;
    let paused = json!({ "queueName": "paused", "paused": true });
    answered(app.request(reqwest::Method::POST, "/v2/queues").json(&paused)).await;
    publish(&app, "/raising", &[RAISED], &[("Upstash-Queue-Name", "paused")]).await;
    assert_eq!(next_path(&app).await, "/waiting");
}

#[tokio::test]
async fn first_message_after_an_unpin_raises_the_limit() {
    let app = start_blocked().await;
    app.post("/v2/flowControl/k/pin?parallelism=1").await;
    app.post("/v2/flowControl/k/unpin?parallelism=true").await;
    publish(&app, "/raising", &[RAISED], &[("Upstash-Delay", "1h")]).await;
    assert_eq!(next_path(&app).await, "/waiting");
}

#[tokio::test]
async fn raised_rate_wakes_the_blocked_message() {
    let app = start().await;
    for path in ["/0", "/1"] {
        publish(&app, path, &[("k", "rate=1, period=10m")], &[]).await;
    }
    assert_eq!(next_path(&app).await, "/0");
    publish(&app, "/raising", &[("k", "rate=5, period=10m")], &[("Upstash-Delay", "1h")]).await;
    assert_eq!(next_path(&app).await, "/1");
}

/// Its queue slot exists from its acceptance, and does not make it due.
#[tokio::test]
async fn callback_in_its_own_queue_waits_for_its_delay() {
    let app = start().await;
    let callback = app.receiver.url("/callback");
    let headers = [
        ("Upstash-Queue-Name", "q"),
        ("Upstash-Callback", &callback),
        ("Upstash-Callback-Queue-Name", "q"),
        ("Upstash-Callback-Delay", "1s"),
    ];
    publish(&app, "/message", &[], &headers).await;
    assert_eq!([next_path(&app).await, next_path(&app).await], ["/message", "/callback"]);
    let early = "select count(*) from events e join messages m on m.id = e.message_id
                 where e.state = 'ACTIVE' and e.at < m.not_before";
    assert_eq!(app.database.count(early).await, 0);
}
