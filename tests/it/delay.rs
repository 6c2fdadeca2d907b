//! Delays: a message becomes due at its time.

use dispatch::dispatcher::StepKind;
use jiff::{SignedDuration, Timestamp};

use crate::support::TestApp;

#[tokio::test]
async fn delayed_message_is_not_delivered_early() {
    let app = TestApp::start().await;
    let delayed = app.publish_here(&[("Upstash-Delay", "1h30m")], "later").await.id();
    let prompt = app.publish_here(&[], "now").await.id();

    app.wait_for(prompt, StepKind::Delivered).await;
    assert_eq!(app.receiver.next().await.body, "now");
    let message = app.message(delayed).await;
    assert_eq!(message["notBefore"].as_i64().unwrap() - message["createdAt"].as_i64().unwrap(), 5_400_000);
    assert_eq!(app.states(delayed).await, "CREATED");
    let sql =
        "select count(*) from message_states where state = 'pending' and due_at = created_at + interval '90 minutes'";
    assert_eq!(app.database.count(sql).await, 1);

    app.make_messages_due().await;
    app.wait_for(delayed, StepKind::Delivered).await;
    assert_eq!(app.receiver.next().await.body, "later");
    assert_eq!(app.states(delayed).await, "CREATED ACTIVE DELIVERED");
}

#[tokio::test]
async fn not_before_takes_precedence_over_delay() {
    let app = TestApp::start().await;
    let at = Timestamp::now() + SignedDuration::from_hours(24);
    let headers = [("Upstash-Not-Before", &*at.as_second().to_string()), ("Upstash-Delay", "1s")];
    let id = app.publish_here(&headers, "").await.id();

    assert_eq!(app.message(id).await["notBefore"], at.as_second() * 1000);
    let sql = "select (extract(epoch from due_at))::bigint from message_states";
    assert_eq!(app.database.count(sql).await, at.as_second());
}

#[tokio::test]
async fn date_in_the_past_means_now() {
    let app = TestApp::start().await;
    let id = app.publish_here(&[("Upstash-Not-Before", "1600000000")], "").await.id();

    app.wait_for(id, StepKind::Delivered).await;
    let message = app.message(id).await;
    assert_eq!(message["notBefore"], message["createdAt"]);
}

#[tokio::test]
async fn short_delay_ends_by_timer_without_a_poll() {
    let app = TestApp::start().await;
    let id = app.publish_here(&[("Upstash-Delay", "1s")], "").await.id();

    app.wait_for(id, StepKind::Delivered).await;
    let sql = "select (extract(epoch from a.at - c.at) * 1000)::bigint from events a, events c
               where a.state = 'ACTIVE' and c.state = 'CREATED'";
    let waited_ms = app.database.count(sql).await;
    assert!((1000..20_000).contains(&waited_ms), "{waited_ms} ms");
}
