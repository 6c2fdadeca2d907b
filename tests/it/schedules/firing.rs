//! The messages of a firing, and the schedule's record of it.

use std::time::{Duration, Instant};

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sigpost_qstash::MessageId;

use super::YEARLY;
use crate::support::{Answer, TestApp, answered};

/// Returns the messages of a schedule, oldest first, when this many messages were accepted.
pub(super) async fn published(app: &TestApp, schedule: &str, accepted: usize) -> Vec<MessageId> {
    app.wait_for_accepted(accepted).await;
    let sql = "select id::text from messages where schedule_id = $1 order by id";
    let rows = app.database.query(sql, &[&schedule]).await;
    rows.iter().map(|row| MessageId(row.get::<_, &str>(0).parse().expect("a uuid"))).collect()
}

#[tokio::test]
async fn firing_publishes_with_all_options_and_shows_message_states() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(200).held()]);
    let headers = [
        YEARLY,
        ("Upstash-Method", "PUT"),
        ("Content-Type", "text/plain"),
        ("Upstash-Forward-X-Key", "a, b"),
        ("Upstash-Label", "mine"),
        ("Upstash-Flow-Control-Key", "key"),
        ("Upstash-Flow-Control-Value", "rate=5, period=1m"),
        ("Upstash-Queue-Name", "mail"),
        ("Upstash-Redact-Fields", "body"),
    ];
    app.schedule_here("s", &headers, "hello").await;
    assert!(app.read_schedule("s").await.get("lastScheduleTime").is_none());
    app.make_due("s", "now()").await;

    let request = app.receiver.next().await;
    assert_eq!((request.method.as_str(), &request.body[..]), ("PUT", &b"hello"[..]));
    assert_eq!(request.header("upstash-schedule-id"), "s");
    assert_eq!((request.header("content-type"), request.header("x-key")), ("text/plain", "a, b"));
    let id: MessageId = request.header("upstash-message-id").parse().expect("an id");
    let message = app.message(id).await;
    assert_eq!(
        [
            &message["scheduleId"],
            &message["label"],
            &message["flowControlKey"],
            &message["rate"],
            &message["queueName"]
        ],
        [&json!("s"), &json!("mine"), &json!("key"), &json!(5), &json!("mail")]
    );
    assert!(message["body"].as_str().expect("a body").starts_with("REDACTED:"));
    let schedule = app.read_schedule("s").await;
    assert_eq!(schedule["lastScheduleStates"], json!({ id.to_string(): "IN_PROGRESS" }));
    assert!(schedule["lastScheduleTime"].as_i64() >= schedule["createdAt"].as_i64());
    assert!(schedule["nextScheduleTime"].as_i64() > schedule["lastScheduleTime"].as_i64());

    app.receiver.release(1);
    app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(app.read_schedule("s").await["lastScheduleStates"], json!({ id.to_string(): "SUCCESS" }));
}

#[tokio::test]
async fn firing_fails_with_its_failed_or_cancelled_message() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500)]);
    app.schedule_here("failing", &[YEARLY, ("Upstash-Retries", "0")], "").await;
    app.make_due("failing", "now()").await;
    let failed = published(&app, "failing", 1).await[0];
    app.wait_for(failed, StepKind::Failed).await;
    assert_eq!(app.read_schedule("failing").await["lastScheduleStates"], json!({ failed.to_string(): "FAIL" }));

    app.schedule_here("cancelled", &[YEARLY, ("Upstash-Delay", "1h")], "").await;
    app.make_due("cancelled", "now()").await;
    let cancelled = published(&app, "cancelled", 2).await[0];
    app.delete(&format!("/v2/messages/{cancelled}")).await;
    assert_eq!(app.read_schedule("cancelled").await["lastScheduleStates"], json!({ cancelled.to_string(): "FAIL" }));
}

#[tokio::test]
async fn delay_is_relative_to_each_firing() {
    let app = TestApp::start().await;
    app.schedule_here("s", &[YEARLY, ("Upstash-Delay", "90m")], "").await;
    for count in 1..=2 {
        app.make_due("s", "now()").await;
        published(&app, "s", count).await;
    }
    let sql = "select count(distinct id) from message_states
               where state = 'pending' and due_at = created_at + interval '90 minutes'";
    assert_eq!(app.database.count(sql).await, 2);
}

#[tokio::test]
async fn firing_fans_out_to_the_current_endpoints() {
    let app = TestApp::start().await;
    app.schedule("group", &[YEARLY, ("Upstash-Schedule-Id", "s"), ("Upstash-Queue-Name", "q")], "").await;
    let endpoints = ["/a", "/b"].map(|path| json!({ "url": app.receiver.url(path) }));
    let edit = app.request(Method::POST, "/v2/topics/group/endpoints").json(&json!({ "endpoints": endpoints }));
    assert_eq!(answered(edit).await.status, StatusCode::OK);
    let defaults = json!({ "headers": { "Upstash-Forward-X-From": "the group" } });
    assert_eq!(answered(app.request(Method::PATCH, "/v2/topics/group").json(&defaults)).await.status, StatusCode::OK);

    app.make_due("s", "now()").await;
    let requests = app.receiver.next_many(2).await;
    assert_eq!(requests.iter().map(|request| request.uri.path()).collect::<Vec<_>>(), ["/a", "/b"]);
    for request in requests {
        let names = ["upstash-schedule-id", "upstash-topic-name", "x-from"].map(|name| request.header(name).to_owned());
        assert_eq!(names, ["s", "group", "the group"]);
    }
}

#[tokio::test]
async fn failed_firing_shows_its_error_and_the_next_one_fires() {
    let app = TestApp::start().await;
    let headers = [YEARLY, ("Upstash-Schedule-Id", "s")];
    app.schedule("no-such-group", &headers, "").await;
    app.schedule_here("other", &[YEARLY], "other").await;
    app.make_due("s", "now() - interval '1 s'").await;
    app.make_due("other", "now()").await;
    assert_eq!(app.receiver.next().await.body, "other");
    let schedule = app.read_schedule("s").await;
    assert_eq!(schedule["error"], "topic no-such-group not found");
    assert!(schedule["nextScheduleTime"].as_i64() > schedule["lastScheduleTime"].as_i64());

    // A rejection by Postgres is recorded as well, and does not affect other schedules.
    app.schedule_here("s", &headers, "rejected").await;
    assert_eq!(app.read_schedule("s").await.get("error"), None);
    app.database.execute("alter table messages add constraint no_such_body check (body <> 'rejected')").await;
    app.make_due("s", "now() - interval '1 s'").await;
    app.make_due("other", "now()").await;
    assert_eq!(app.receiver.next().await.body, "other");
    assert_eq!(app.read_schedule("s").await["error"], "internal error, see the log of the server");

    app.database.execute("alter table messages drop constraint no_such_body").await;
    app.make_due("s", "now()").await;
    assert_eq!(app.receiver.next().await.body, "rejected");
    assert_eq!(app.read_schedule("s").await.get("error"), None);
}

#[tokio::test]
async fn repeated_firing_time_publishes_nothing() {
    let app = TestApp::start().await;
    app.schedule_here("s", &[("Upstash-Cron", "0 0 1 1 *")], "").await;
    let newyear = "(date_trunc('year', now()))";
    app.make_due("s", newyear).await;
    let first = published(&app, "s", 1).await[0];
    app.make_due("s", newyear).await;
    app.schedule_here("after", &[YEARLY], "").await;
    app.make_due("after", "now()").await;
    app.wait_for_accepted(2).await;

    assert_eq!(app.database.count("select count(*) from messages where schedule_id = 's'").await, 1);
    let states = app.read_schedule("s").await["lastScheduleStates"].clone();
    assert_eq!(states.as_object().expect("states").keys().collect::<Vec<_>>(), [&first.to_string()]);
}

#[tokio::test]
async fn schedule_of_seconds_fires_by_timer_without_a_poll() {
    let app = TestApp::start().await;
    let begun = Instant::now();
    app.schedule_here("s", &[("Upstash-Sigpost-Cron", "* * * * * *")], "tick").await;
    let requests = app.receiver.next_many(2).await;
    assert!(requests.iter().all(|request| request.body == "tick"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    app.app.shutdown().await;

    // Each for its own second, soon after that began.
    let sql = "select count(distinct right(key, -length('schedule:s:'))::bigint / 1000) from deduplications";
    assert!(app.database.count(sql).await >= 2);
    let sql =
        "select max(extract(epoch from m.created_at) * 1000 - right(d.key, -length('schedule:s:'))::bigint)::bigint
               from deduplications d join messages m on m.id = d.message_id";
    let late_ms = app.database.count(sql).await;
    assert!((0..5000).contains(&late_ms), "{late_ms} ms late");
}
