//! Invocations by EventBridge Scheduler publish once.
//!
//! Its clock is in the year 2095, so that schedules created today fire there.

use std::collections::BTreeSet;

use dispatch::{Firing, Skip};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{HOURLY, start};
use crate::support::event_bridge::Invocation;
use crate::support::{EventBridge, TestApp, create_schedules_with_the_sdk};

/// The event of an invocation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    sigpost: String,
    schedule: String,
    time: String,
}

impl TestApp {
    /// Runs the function's code for an invocation.
    async fn invoke(&self, invocation: &Invocation) -> Firing {
        let input: Input = serde_json::from_str(&invocation.input).expect("an input");
        assert_eq!(input.sigpost, "firing");
        self.fire(&input.schedule, &input.time).await
    }

    async fn fire(&self, id: &str, at: &str) -> Firing {
        self.app.fire(id, at.parse().expect("a time")).await.expect("a response")
    }
}

fn is_published(firing: &Firing) -> bool {
    matches!(firing, Firing::Published(_))
}

/// Berlin: 02:00 becomes 03:00 on 2095-03-27 at 01:00Z.
#[tokio::test]
async fn sdk_schedule_fires_every_minute_across_a_clock_change() {
    let event_bridge = EventBridge::start("2095-03-27T00:00:30Z").await;
    let settings = event_bridge.settings();
    let app = start(&settings).await;
    let other = TestApp::start_on(&app.database, |config| config.event_bridge = Some(settings)).await;
    let destination = app.receiver.url("/hook");
    let schedules = json!([
        { "destination": destination, "cron": "CRON_TZ=Europe/Berlin * * * * *", "body": "minute" },
        { "destination": destination, "cron": "CRON_TZ=Europe/Berlin 30 3 * * *", "body": "day", "scheduleId": "day" },
    ]);
    let Some(ids) = create_schedules_with_the_sdk(&app.url, &schedules).await else { return };
    assert_eq!(ids[1], "day");

    let invocations = event_bridge.advance_to("2095-03-27T02:00:30Z");
    assert_eq!(invocations.len(), 121);
    let mut fired = Vec::new();
    for invocation in &invocations {
        // Twice concurrently in two processes, and once more.
        let (one, two) = tokio::join!(app.invoke(invocation), other.invoke(invocation));
        let again = app.invoke(invocation).await;
        let published: Vec<_> = [&one, &two, &again].into_iter().filter(|firing| is_published(firing)).collect();
        assert_eq!(published.len(), 1, "{one:?} {two:?} {again:?}");
        assert_eq!(again, Firing::Skipped(Skip::Repeated));
        fired.extend(published.into_iter().cloned());
    }
    let published: BTreeSet<_> = fired
        .into_iter()
        .map(|firing| match firing {
            Firing::Published(ids) => ids,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(published.len(), 121);

    let requests = app.receiver.next_many(121).await;
    let of = |body: &str| requests.iter().filter(|request| request.body == body.as_bytes()).count();
    assert_eq!((of("minute"), of("day")), (120, 1));
    assert!(requests.iter().all(|request| ids.iter().any(|id| id == request.header("upstash-schedule-id"))));
    let day: Vec<_> = invocations.iter().filter(|one| one.input.contains("\"day\"")).map(|one| one.at).collect();
    assert_eq!(day, ["2095-03-27T01:30:00Z".parse().expect("a time")]);

    let shown = app.read_schedule("day").await;
    let time = |name: &str| Timestamp::from_millisecond(shown[name].as_i64().expect(name)).expect(name).to_string();
    assert_eq!(time("lastScheduleTime"), "2095-03-27T01:30:00Z");
    assert_eq!(time("nextScheduleTime"), "2095-03-28T01:30:00Z");
    assert_eq!(shown["lastScheduleStates"].as_object().expect("states").len(), 1);
    assert_eq!(app.database.count("select count(*) from messages").await, 121);
}

/// Berlin: 03:00 becomes 02:00 on 2095-10-30 at 01:00Z, so this hour repeats.
#[tokio::test]
async fn repeated_local_time_publishes_once() {
    let event_bridge = EventBridge::start("2095-10-29T12:00:00Z").await;
    let app = start(&event_bridge.settings()).await;
    app.schedule_here("s", &[("Upstash-Cron", "CRON_TZ=Europe/Berlin 30 2 * * *")], "").await;
    let invocations = event_bridge.advance_to("2095-10-31T12:00:00Z");
    let times: Vec<String> = invocations.iter().map(|one| one.at.to_string()).collect();
    assert_eq!(times, ["2095-10-30T00:30:00Z", "2095-10-31T01:30:00Z"]);
    for invocation in &invocations {
        assert!(is_published(&app.invoke(invocation).await));
    }
    assert_eq!(app.fire("s", "2095-10-30T01:30:00Z").await, Firing::Skipped(Skip::NotItsTime));
}

#[tokio::test]
async fn firing_of_a_paused_deleted_or_changed_schedule_publishes_nothing() {
    let event_bridge = EventBridge::start("2095-01-01T00:30:00Z").await;
    let app = start(&event_bridge.settings()).await;
    app.schedule_here("s", &[HOURLY], "").await;
    let first = event_bridge.advance_to("2095-01-01T01:30:00Z");
    app.post("/v2/schedules/s/pause").await;
    assert_eq!(app.invoke(&first[0]).await, Firing::Skipped(Skip::Paused));
    assert_eq!(event_bridge.advance_to("2095-01-01T02:30:00Z"), []);
    app.post("/v2/schedules/s/resume").await;

    let second = event_bridge.advance_to("2095-01-01T03:30:00Z");
    app.schedule_here("s", &[("Upstash-Cron", "30 * * * *")], "").await;
    assert_eq!(app.invoke(&second[0]).await, Firing::Skipped(Skip::NotItsTime));

    let third = event_bridge.advance_to("2095-01-01T04:30:00Z");
    app.delete("/v2/schedules/s").await;
    assert_eq!(app.invoke(&third[0]).await, Firing::Skipped(Skip::Unknown));
    assert_eq!(event_bridge.advance_to("2095-01-02T00:00:00Z"), []);
    assert_eq!((first.len(), second.len(), third.len()), (1, 1, 1));
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
    assert_eq!(app.database.count("select count(*) from deduplications").await, 0);
}

/// A past firing that is retried after the schedule was recreated or resumed.
#[tokio::test]
async fn firing_before_creation_or_resume_publishes_nothing() {
    let event_bridge = EventBridge::start("2026-01-01T00:00:00Z").await;
    let app = start(&event_bridge.settings()).await;
    let headers = [HOURLY, ("Upstash-Sigpost-Catch-Up", "all")];
    app.schedule_here("s", &headers, "").await;
    let set_back = "update schedules set fires_from = '2026-01-01T00:00:00Z'";
    app.database.execute(set_back).await;
    assert!(is_published(&app.fire("s", "2026-01-01T01:00:00Z").await));
    // Replacing the schedule with the same expression keeps past firings valid.
    app.schedule_here("s", &headers, "another").await;
    assert!(is_published(&app.fire("s", "2026-01-01T02:00:00Z").await));
    app.post("/v2/schedules/s/pause").await;
    app.post("/v2/schedules/s/resume").await;
    assert_eq!(app.fire("s", "2026-01-01T03:00:00Z").await, Firing::Skipped(Skip::BeforeItsTime));
    app.database.execute(set_back).await;
    app.schedule_here("s", &[("Upstash-Cron", "0 */2 * * *")], "").await;
    assert_eq!(app.fire("s", "2026-01-01T04:00:00Z").await, Firing::Skipped(Skip::BeforeItsTime));
}

/// 1 August 2095 is a Monday: both the day-of-month expression and the weekday expression invoke.
#[tokio::test]
async fn time_in_both_expressions_fires_once() {
    let event_bridge = EventBridge::start("2095-07-30T00:00:00Z").await;
    let app = start(&event_bridge.settings()).await;
    // The creator's deduplication window ends before retries do, so it does not decide.
    let headers = [("Upstash-Cron", "0 9 1 * MON"), ("Upstash-Deduplication-Id", "key")];
    app.schedule_here("s", &headers, "").await;
    let invocations = event_bridge.advance_to("2095-08-02T00:00:00Z");
    assert_eq!(invocations.len(), 2);
    assert!(is_published(&app.invoke(&invocations[0]).await));
    app.database.execute("delete from deduplications where key = 'id:key'").await;
    assert_eq!(app.invoke(&invocations[1]).await, Firing::Skipped(Skip::Repeated));
    assert_eq!(app.database.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn late_firing_is_published_and_keeps_the_last_firing() {
    let event_bridge = EventBridge::start("2095-01-01T00:30:00Z").await;
    let app = start(&event_bridge.settings()).await;
    app.schedule("no-such-group", &[HOURLY, ("Upstash-Schedule-Id", "s")], "").await;
    let rejected = Firing::Rejected("topic no-such-group not found".to_owned());
    assert_eq!(app.fire("s", "2095-01-01T01:00:00Z").await, rejected);
    assert_eq!(app.read_schedule("s").await["error"], "topic no-such-group not found");

    app.schedule_here("s", &[HOURLY], "").await;
    let Firing::Published(third) = app.fire("s", "2095-01-01T03:00:00Z").await else { panic!("not published") };
    assert!(is_published(&app.fire("s", "2095-01-01T02:00:00Z").await));
    let shown = app.read_schedule("s").await;
    let states: Vec<_> = shown["lastScheduleStates"].as_object().expect("states").keys().cloned().collect();
    assert_eq!(states, [third[0].to_string()]);
    let at = |text: &str| text.parse::<Timestamp>().expect("a time").as_millisecond();
    assert_eq!(shown["lastScheduleTime"], at("2095-01-01T03:00:00Z"));
    assert_eq!(shown["nextScheduleTime"], at("2095-01-01T04:00:00Z"));
    // A rejected firing counts as fired: a repeated invocation does not retry it.
    assert_eq!(app.fire("s", "2095-01-01T01:00:00Z").await, Firing::Skipped(Skip::Repeated));
}
