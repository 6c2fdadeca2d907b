//! A stopping process notifies the others of what only it knew: timers, and limits that its last deliveries freed.

use super::{TestApp, next_path, publish, start, start_on};
use crate::support::Answer;

/// Starts two processes on one database; the first one's deliveries are held.
async fn start_two() -> (TestApp, TestApp) {
    let first = start().await;
    let second = start_on(&first.database).await;
    (first, second)
}

async fn blocked_messages_start_elsewhere(keys: &[(&str, &str)], headers: &[(&str, &str)]) {
    let (stopping, _other) = start_two().await;
    stopping.receiver.answers([Answer::status(200).held()]);
    for path in ["/0", "/1"] {
        publish(&stopping, path, keys, headers).await;
    }
    assert_eq!(next_path(&stopping).await, "/0");
    let release = async {
        // The shutdown waits for the delivery, which ends while this process claims nothing.
        stopping.receiver.release(1);
        assert_eq!(next_path(&stopping).await, "/1");
    };
    tokio::join!(stopping.app.shutdown(), release);
}

#[tokio::test]
async fn next_message_of_a_queue_starts_in_another_process() {
    blocked_messages_start_elsewhere(&[], &[("Upstash-Queue-Name", "q")]).await;
}

#[tokio::test]
async fn next_message_of_a_key_starts_in_another_process() {
    blocked_messages_start_elsewhere(&[("k", "parallelism=1")], &[]).await;
}

#[tokio::test]
async fn period_end_is_handled_by_another_process() {
    let (stopping, _other) = start_two().await;
    for path in ["/0", "/1"] {
        publish(&stopping, path, &[("k", "rate=1, period=2s")], &[]).await;
    }
    assert_eq!(next_path(&stopping).await, "/0");
    stopping.app.shutdown().await;
    assert_eq!(next_path(&stopping).await, "/1");
}

#[tokio::test]
async fn retry_is_made_by_another_process() {
    let (stopping, _other) = start_two().await;
    stopping.receiver.answers([Answer::status(500).held()]);
    publish(&stopping, "/retried", &[], &[("Upstash-Retry-Delay", "1000")]).await;
    next_path(&stopping).await;
    stopping.receiver.release(1);
    stopping.app.shutdown().await;
    assert_eq!(next_path(&stopping).await, "/retried");
}

#[tokio::test]
async fn message_without_a_notification_is_delivered_by_another_process() {
    let (stopping, _other) = start_two().await;
    publish(&stopping, "/far", &[], &[("Upstash-Delay", "10h")]).await;
    publish(&stopping, "/soon", &[], &[("Upstash-Delay", "2s")]).await;
    stopping.app.shutdown().await;
    assert_eq!(next_path(&stopping).await, "/soon");
}
