//! Flow-control keys, and the messages that they block.

use dispatch::dispatcher::StepKind;
use sigpost_qstash::MessageId;

use super::session::Session;
use crate::support::Answer;

async fn publish(s: &mut Session, path: &str, key: &str, value: &str) -> MessageId {
    s.publish(path, &[("Upstash-Flow-Control-Key", key), ("Upstash-Flow-Control-Value", value)], "").await
}

#[tokio::test]
async fn message_is_blocked_by_parallelism() {
    let mut s = Session::start("blocked_by_parallelism").await;
    s.app.receiver.answers([Answer::status(500).held(), Answer::status(200)]);
    let first = publish(&mut s, "/first", "key", "parallelism=1").await;
    s.app.wait_for(first, StepKind::Pushed).await;
    let second = publish(&mut s, "/second", "key", "parallelism=1").await;
    s.show(first).await;
    s.show(second).await;
    s.get("/v2/flowControl/key").await;
    s.get("/v2/globalParallelism").await;
    s.release().await;
    s.app.wait_for(first, StepKind::Retried).await;
    s.app.wait_for(second, StepKind::Delivered).await;
    s.show(first).await;
    s.show(second).await;
    s.get("/v2/flowControl/key").await;
    s.get("/v2/events?flowControlKey=key&state=ACTIVE&order=earliestFirst").await;
    s.finish();
}

#[tokio::test]
async fn message_is_blocked_by_rate() {
    let mut s = Session::start("blocked_by_rate").await;
    let first = publish(&mut s, "/first", "key", "rate=1, period=1h").await;
    s.app.wait_for(first, StepKind::Delivered).await;
    let second = publish(&mut s, "/second", "key", "rate=1, period=1h").await;
    s.show(second).await;
    s.get("/v2/flowControl/key").await;
    s.post("/v2/flowControl/key/resetRate").await;
    s.app.wait_for(second, StepKind::Delivered).await;
    s.show(second).await;
    s.get("/v2/flowControl/key").await;
    s.finish();
}

#[tokio::test]
async fn settings_of_keys_are_read_back() {
    let mut s = Session::start_with("settings_of_keys", |config| config.dispatcher = None).await;
    for key in ["user/1 a", "user%2", "other"] {
        publish(&mut s, "/hook", key, "rate=1, period=60, parallelism=3").await;
    }
    s.get("/v2/flowControl").await;
    s.get("/v2/flowControl?search=user&count=1").await;
    s.get("/v2/flowControl?search=user&count=1&cursor=user%252").await;
    s.get("/v2/flowControl/user%2F1%20a").await;
    for (path, key) in [
        ("pin?parallelism=5&rate=6&period=20", "other"),
        ("pause", "other"),
        ("unpin?parallelism=true", "other"),
        ("resume", "other"),
        ("pin?rate=7", "new"),
    ] {
        s.post(&format!("/v2/flowControl/{key}/{path}")).await;
        s.get(&format!("/v2/flowControl/{key}")).await;
    }
    for path in ["pin", "pin?rate=0", "pin?period=1m&parallelism=1", "pin?labeel=1", "unpin?rate=yes"] {
        s.post(&format!("/v2/flowControl/other/{path}")).await;
    }
    s.get("/v2/flowControl/none").await;
    s.get("/v2/flowControl?labeel=1").await;
    s.get("/v2/globalParallelism").await;
    s.finish();
}
