//! `POST /v2/schedules/{id}/run`.

use reqwest::StatusCode;
use serde_json::json;
use sigpost_qstash::MessageId;

use super::YEARLY;
use crate::support::{TestApp, answered};

#[tokio::test]
async fn run_now_publishes_the_message_and_keeps_the_schedule() {
    let app = TestApp::start().await;
    let headers = [YEARLY, ("Upstash-Method", "PUT"), ("Upstash-Label", "mine"), ("Upstash-Deduplication-Id", "once")];
    app.schedule_here("s", &headers, "hello").await;
    app.post("/v2/schedules/s/pause").await;
    let before = app.read_schedule("s").await;

    // Each run publishes, whatever the creator's deduplication ID.
    for _ in 0..2 {
        let run = app.post("/v2/schedules/s/run").await;
        assert_eq!(run.status, StatusCode::OK);
        let ids: Vec<MessageId> = serde_json::from_value(run.body["messageIds"].clone()).expect("ids");
        let request = app.receiver.next().await;
        assert_eq!((request.method.as_str(), &request.body[..]), ("PUT", &b"hello"[..]));
        assert_eq!(ids.iter().map(ToString::to_string).collect::<Vec<_>>(), [request.header("upstash-message-id")]);
        let message = app.message(ids[0]).await;
        assert_eq!([&message["scheduleId"], &message["label"]], [&json!("s"), &json!("mine")]);
    }
    assert_eq!(app.read_schedule("s").await, before);
    assert_eq!(app.database.count("select count(*) from messages").await, 2);
}

#[tokio::test]
async fn invalid_run_is_rejected_with_the_reason_and_publishes_nothing() {
    let app = TestApp::start().await;
    let unknown = app.post("/v2/schedules/absent/run").await;
    assert_eq!((unknown.status, unknown.error()), (StatusCode::NOT_FOUND, "schedule absent not found"));

    let headers = [YEARLY, ("Upstash-Schedule-Id", "to-a-group")];
    app.schedule("a-group", &headers, "").await;
    let run = app.post("/v2/schedules/to-a-group/run").await;
    assert_eq!((run.status, run.error()), (StatusCode::NOT_FOUND, "topic a-group not found"));
    let get = app.request(reqwest::Method::PUT, "/v2/schedules/to-a-group/run");
    assert_eq!(answered(get).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}
