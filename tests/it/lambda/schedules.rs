//! Schedules, fired by events and by the tick.

use reqwest::Method;
use serde_json::{Value, json};

use super::Deployed;

impl Deployed {
    /// A schedule of every minute that was created an hour ago.
    async fn schedule(&self) -> String {
        let path = format!("/v2/schedules/{}", self.receiver.url("/hook"));
        let created = self.request(Method::POST, &path, &[("Upstash-Cron", "* * * * *")], "").await;
        self.at_rest().await;
        self.database.execute("update schedules set fires_from = now() - interval '1 hour'").await;
        created.body["scheduleId"].as_str().unwrap_or_else(|| panic!("no id in {created:?}")).to_owned()
    }

    /// The minute that this one is, as EventBridge names it.
    async fn this_minute(&self) -> String {
        let sql = "select to_char(date_trunc('minute', now() at time zone 'UTC'), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
        self.database.query(sql, &[]).await[0].get(0)
    }
}

#[tokio::test]
async fn a_firing_is_published_and_pushed_once_however_often_it_is_invoked() {
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
async fn a_firing_that_nobody_made_is_made_by_the_tick() {
    let deployed = Deployed::start().await;
    deployed.schedule().await;
    deployed.database.execute("update schedules set next_fire_at = date_trunc('minute', now())").await;
    assert_eq!(deployed.tick().await, json!({"due": true}));
    deployed.at_rest().await;
    assert_eq!(deployed.receiver.all_so_far().await.len(), 1);
}
