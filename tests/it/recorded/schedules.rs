//! Schedules, and the messages that they publish.

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::Value;
use sigpost_qstash::MessageId;

use super::session::Session;
use crate::support::Answer;

const YEARLY: (&str, &str) = ("Upstash-Cron", "1 1 1 1 *");

async fn create(s: &mut Session, id: &str, destination: &str, headers: &[(&str, &str)], body: &str) {
    let headers = [&[YEARLY, ("Upstash-Schedule-Id", id)], headers].concat();
    s.send(Method::POST, &format!("/v2/schedules/{destination}"), &headers, body).await;
}

/// Makes a schedule fire, and waits until this many messages were accepted.
async fn fire(s: &Session, id: &str, accepted: usize) {
    let sql = format!("update schedules set next_fire_at = now() where id = '{id}'; notify sigpost, 'schedules'");
    s.app.database.execute(&sql).await;
    s.app.wait_for_accepted(accepted).await;
}

fn published(schedule: &Value) -> MessageId {
    let states = schedule["lastScheduleStates"].as_object().expect("states");
    states.keys().next().expect("a message").parse().expect("an id")
}

#[tokio::test]
async fn schedule_shows_the_states_of_its_last_firing() {
    let mut s = Session::start("fired_schedules").await;
    s.app.receiver.answers([Answer::status(200).held(), Answer::status(500)]);
    let hook = s.app.receiver.url("/hook");
    let options = [
        ("Upstash-Method", "PUT"),
        ("Content-Type", "text/plain"),
        ("Upstash-Forward-X-Key", "a, b"),
        ("Upstash-Label", "mine"),
        ("Upstash-Flow-Control-Key", "key"),
        ("Upstash-Flow-Control-Value", "rate=5, period=1m"),
        ("Upstash-Queue-Name", "mail"),
        ("Upstash-Retry-Delay", "1000 * retried"),
        ("Upstash-Timeout", "30s"),
        ("Upstash-Sigpost-Catch-Up", "all"),
        ("Upstash-Redact-Fields", "body"),
    ];
    create(&mut s, "whole", &hook, &options, "hello").await;
    create(&mut s, "failing", &hook, &[("Upstash-Retries", "0")], "").await;
    create(&mut s, "late", &hook, &[("Upstash-Delay", "90m")], "").await;
    create(&mut s, "lost", "no-such-group", &[], "").await;
    s.get("/v2/schedules/whole").await;
    fire(&s, "whole", 1).await;
    s.app.receiver.next().await;
    let whole = published(&s.get("/v2/schedules/whole").await);
    s.release().await;
    s.app.wait_for(whole, StepKind::Delivered).await;
    s.get("/v2/schedules/whole").await;
    s.show(whole).await;

    fire(&s, "failing", 2).await;
    let failing = published(&s.app.read_schedule("failing").await);
    s.app.wait_for(failing, StepKind::Failed).await;
    s.get("/v2/schedules/failing").await;
    s.show(failing).await;
    s.get("/v2/dlq?scheduleId=failing").await;

    // The previous schedule has fired when this one has.
    s.app.database.execute("update schedules set next_fire_at = now() - interval '1 s' where id = 'lost'").await;
    fire(&s, "late", 3).await;
    let late = published(&s.app.read_schedule("late").await);
    s.show(late).await;
    s.delete(&format!("/v2/messages/{late}")).await;
    for path in ["/v2/schedules/late", "/v2/schedules/lost", "/v2/schedules", "/v2/events?scheduleId=late,failing"] {
        s.get(path).await;
    }
    s.admin("schedules").await;
    s.finish();
}

#[tokio::test]
async fn schedule_is_paused_run_replaced_and_deleted() {
    let mut s = Session::start("managed_schedules").await;
    let hook = s.app.receiver.url("/hook");
    create(&mut s, "one", &hook, &[], "").await;
    let made = s.send(Method::POST, &format!("/v2/schedules/{hook}"), &[YEARLY], "nameless").await.body;
    let nameless = made["scheduleId"].as_str().expect("an id").to_owned();
    s.get(&format!("/v2/schedules/{nameless}")).await;
    for action in ["pause", "resume"] {
        s.send(Method::PATCH, &format!("/v2/schedules/one/{action}"), &[], "").await;
        s.get("/v2/schedules/one").await;
    }
    let run = s.post("/v2/schedules/one/run").await;
    let id: MessageId = serde_json::from_value(run["messageIds"][0].clone()).expect("an id");
    s.app.wait_for(id, StepKind::Delivered).await;
    s.show(id).await;
    s.get("/v2/schedules/one").await;
    create(&mut s, "one", "https://example.com", &[("Upstash-Retries", "1")], "replaced").await;
    s.get("/v2/schedules").await;
    s.get("/v2/schedules?cursor=x").await;
    s.delete("/v2/schedules/one").await;
    s.delete("/v2/schedules/one").await;
    s.get("/v2/schedules/one").await;
    s.show(id).await;
    s.post("/v2/schedules/none/run").await;
    s.post("/v2/schedules/none/pause").await;
    s.send(Method::POST, &format!("/v2/schedules/{hook}"), &[("Upstash-Cron", "never")], "").await;
    s.finish();
}
