//! Schedules fired by events and by the tick.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::Deployed;
use crate::support::EventBridge;

impl Deployed {
    /// Creates an hourly schedule whose last firing, three minutes ago, is missing. The creator's deduplication ID
    /// has expired. Returns the event of that firing.
    async fn overdue(&self) -> Value {
        let three_minutes_ago = Timestamp::now().as_second() / 60 * 60 - 180;
        let time = Timestamp::from_second(three_minutes_ago).expect("a time").to_string();
        let cron = format!("{} * * * *", three_minutes_ago / 60 % 60);
        let headers = [("Upstash-Cron", &*cron), ("Upstash-Deduplication-Id", "key"), ("Upstash-Schedule-Id", "s")];
        let path = format!("/v2/schedules/{}", self.receiver.url("/hook"));
        self.request(Method::POST, &path, &headers, "").await;
        self.at_rest().await;
        self.database.execute("update schedules set fires_from = now() - interval '1 hour'").await;
        self.make_firing_due(&time).await;
        json!({"sigpost": "firing", "schedule": "s", "time": time})
    }

    async fn make_firing_due(&self, time: &str) {
        let sql =
            format!("update schedules set next_fire_at = '{time}'; delete from deduplications where key = 'id:key'");
        self.database.execute(&sql).await;
    }

    /// Creates a schedule of every minute, as if it was created an hour ago.
    async fn schedule(&self) -> String {
        let path = format!("/v2/schedules/{}", self.receiver.url("/hook"));
        let created = self.request(Method::POST, &path, &[("Upstash-Cron", "* * * * *")], "").await;
        self.at_rest().await;
        self.database.execute("update schedules set fires_from = now() - interval '1 hour'").await;
        created.body["scheduleId"].as_str().unwrap_or_else(|| panic!("no id in {created:?}")).to_owned()
    }

    /// Returns the current minute in EventBridge's format.
    async fn this_minute(&self) -> String {
        let sql = "select to_char(date_trunc('minute', now() at time zone 'UTC'), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
        self.database.query(sql, &[]).await[0].get(0)
    }
}

#[tokio::test]
async fn repeated_firing_is_published_and_delivered_once() {
    let deployed = Deployed::start().await;
    let schedule = deployed.schedule().await;
    let firing = json!({"sigpost": "firing", "schedule": schedule, "time": deployed.this_minute().await});
    let first: Value = deployed.invoke(firing.clone()).await;
    assert!(first["published"].as_array().is_some_and(|ids| ids.len() == 1), "{first}");
    deployed.at_rest().await;
    assert_eq!(deployed.invoke(firing).await, json!({"skipped": "Repeated"}));
    deployed.at_rest().await;

    let requests = deployed.receiver.all_so_far().await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("upstash-schedule-id"), schedule);
}

#[tokio::test]
async fn tick_publishes_a_missed_firing() {
    let deployed = Deployed::start().await;
    deployed.schedule().await;
    deployed.database.execute("update schedules set next_fire_at = date_trunc('minute', now())").await;
    assert_eq!(deployed.tick().await, json!({"due": true}));
    deployed.at_rest().await;
    assert_eq!(deployed.receiver.all_so_far().await.len(), 1);
}

#[tokio::test]
async fn late_eventbridge_invocation_does_not_repeat_a_firing() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let deployed = Deployed::start_with_event_bridge(&event_bridge).await;
    let firing = deployed.overdue().await;
    // Another transaction holds the deduplication key. The firing stays due for the next tick.
    deployed.database.execute("begin; insert into deduplications values ('id:key', gen_random_uuid(), now())").await;
    deployed.tick().await;
    deployed.at_rest().await;
    deployed.database.execute("rollback").await;
    assert_eq!(deployed.tick().await, json!({"due": true}));
    deployed.at_rest().await;
    deployed.database.execute("delete from deduplications where key = 'id:key'").await;
    assert_eq!(deployed.invoke(firing).await, json!({"skipped": "Repeated"}));
    deployed.at_rest().await;
    assert_eq!(deployed.receiver.all_so_far().await.len(), 1);
}

/// The row may show the firing as due nevertheless: when a schedule is replaced through a database whose clock is
/// behind EventBridge's, the time is still in the future.
#[tokio::test]
async fn tick_does_not_repeat_a_firing_of_eventbridge() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let deployed = Deployed::start_with_event_bridge(&event_bridge).await;
    let firing = deployed.overdue().await;
    let published = deployed.invoke(firing.clone()).await;
    assert_eq!(published["published"].as_array().map(Vec::len), Some(1), "{published}");
    deployed.at_rest().await;
    let shown = deployed.request(Method::GET, "/v2/schedules/s", &[], "").await.body;

    assert_eq!(deployed.tick().await, json!({"due": false}));
    deployed.at_rest().await;
    deployed.make_firing_due(firing["time"].as_str().expect("a time")).await;
    deployed.tick().await;
    deployed.at_rest().await;
    assert_eq!(deployed.receiver.all_so_far().await.len(), 1);
    // The schedule is unchanged.
    assert_eq!(deployed.request(Method::GET, "/v2/schedules/s", &[], "").await.body, shown);
}

#[tokio::test]
async fn tick_publishes_a_missed_firing_after_two_minutes() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let deployed = Deployed::start_with_event_bridge(&event_bridge).await;
    deployed.schedule().await;
    deployed.database.execute("update schedules set next_fire_at = now() - interval '105 seconds'").await;
    assert_eq!(deployed.tick().await, json!({"due": false}));
    deployed.at_rest().await;
    assert_eq!(deployed.database.count("select count(*) from messages").await, 0);

    deployed.database.execute("update schedules set next_fire_at = next_fire_at - interval '15 seconds'").await;
    assert_eq!(deployed.tick().await, json!({"due": true}));
    deployed.at_rest().await;
    assert_eq!(deployed.receiver.all_so_far().await.len(), 1);
}
