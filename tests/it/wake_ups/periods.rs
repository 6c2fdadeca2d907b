//! Rate limits: the end of a period is a wake-up, whichever statement started the period or blocked the message.

use futures_util::future::join_all;

use super::{next_path, publish, seconds_between, start};
use crate::support::Answer;

#[tokio::test]
async fn messages_beyond_a_rate_start_when_the_period_ends() {
    let app = start().await;
    join_all((0..4).map(|number| publish(&app, ["/0", "/1", "/2", "/3"][number], &[("k", "rate=2, period=2s")], &[])))
        .await;
    app.receiver.next_many(4).await;
}

#[tokio::test]
async fn message_published_in_a_full_period_starts_at_its_end() {
    let app = start().await;
    let first = publish(&app, "/0", &[("k", "rate=1, period=1s")], &[]).await;
    app.receiver.next().await;
    let second = publish(&app, "/1", &[("k", "rate=1, period=1s")], &[]).await;
    app.receiver.next().await;
    assert!(seconds_between(&app, first, second).await >= 1.0);
}

#[tokio::test]
async fn period_begun_by_a_completed_delivery_wakes_the_next_message() {
    let app = start().await;
    app.receiver.answers([Answer::status(200).held()]);
    for path in ["/0", "/1", "/2"] {
        publish(&app, path, &[("k", "rate=1, period=1s, parallelism=1")], &[]).await;
    }
    assert_eq!(next_path(&app).await, "/0");
    app.database.execute("update gates set period_start = period_start - interval '1 second'").await;
    app.receiver.release(1);
    assert_eq!([next_path(&app).await, next_path(&app).await], ["/1", "/2"]);
}

#[tokio::test]
async fn message_moved_to_an_exhausted_key_starts_at_period_end() {
    let app = start().await;
    app.receiver.answers([Answer::status(200).held()]);
    let (free, rated) = (("a", "parallelism=1"), ("b", "rate=1, period=2s"));
    publish(&app, "/0", &[free], &[]).await;
    publish(&app, "/1", &[rated], &[]).await;
    app.receiver.next_many(2).await;
    publish(&app, "/2", &[free, rated], &[]).await;
    app.receiver.release(1);
    assert_eq!(next_path(&app).await, "/2");
}

#[tokio::test]
async fn shortened_period_wakes_earlier_messages_sooner() {
    let app = start().await;
    for path in ["/0", "/1"] {
        publish(&app, path, &[("k", "rate=1, period=10m")], &[]).await;
    }
    assert_eq!(next_path(&app).await, "/0");
    publish(&app, "/2", &[("k", "rate=1, period=1s")], &[]).await;
    assert_eq!([next_path(&app).await, next_path(&app).await], ["/1", "/2"]);
}

#[tokio::test]
async fn period_begins_with_its_first_start() {
    for change in ["resume", "pin?parallelism=5", "unpin?rate=true"] {
        let app = start().await;
        app.post(&format!("/v2/flowControl/k/{change}")).await;
        app.database.execute("update gates set period_start = period_start - interval '1.5 seconds'").await;
        let first = publish(&app, "/0", &[("k", "rate=1, period=2s")], &[]).await;
        let second = publish(&app, "/1", &[("k", "rate=1, period=2s")], &[]).await;
        app.receiver.next_many(2).await;
        let seconds = seconds_between(&app, first, second).await;
        assert!(seconds >= 2.0, "{change}: {seconds}");
    }
}

#[tokio::test]
async fn period_ending_during_a_claim_wakes_the_blocked_message() {
    let app = start().await;
    let slow = "alter function gate_room(gates) rename to gate_room_at_once;
                create function gate_room(gate gates) returns integer language plpgsql as $$
                declare room integer := gate_room_at_once(gate);
                begin
                    perform pg_sleep(1.2);
                    return room;
                end $$";
    app.database.execute(slow).await;
    // Sent without a notification, which would make the dispatcher rescan all limits.
    publish(&app, "/0", &[("k", "rate=1, period=1s")], &[]).await;
    publish(&app, "/1", &[("k", "rate=1, period=1s")], &[("Upstash-Delay", "1s")]).await;
    assert_eq!([next_path(&app).await, next_path(&app).await], ["/0", "/1"]);
}
