//! EventBridge Scheduler in front of the function: it invokes the function with an event of Lambda, and the published
//! messages reach a destination.
//!
//! Its clock is in the year 2095, so that schedules created today fire there.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sigpost_qstash::DEV_TOKEN;

use super::Deployed;
use crate::support::event_bridge::Fault::{self, Silent, Swallowed};
use crate::support::event_bridge::Invocation;
use crate::support::{EventBridge, create_schedules_with_the_sdk};

impl Deployed {
    /// Invokes the function as EventBridge does.
    async fn invoke_for(&self, invocation: &Invocation) -> Value {
        self.invoke(serde_json::from_str(&invocation.input).expect("an event")).await
    }

    /// Invokes the function twice concurrently for each invocation: one call publishes, the other does not. Returns
    /// the bodies that the destination received.
    async fn invoke_twice_concurrently(&self, invocations: &[Invocation]) -> Vec<String> {
        for invocation in invocations {
            let (one, other) = tokio::join!(self.invoke_for(invocation), self.invoke_for(invocation));
            let repeated = json!({"skipped": "Repeated"});
            assert!((one == repeated) != (other == repeated), "{one} {other}");
            let published = if one == repeated { &other } else { &one };
            assert_eq!(published["published"].as_array().map(Vec::len), Some(1), "{published}");
        }
        self.bodies().await
    }

    /// Returns the bodies that the destination received since the last call.
    async fn bodies(&self) -> Vec<String> {
        self.at_rest().await;
        let requests = self.receiver.all_so_far().await;
        requests.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect()
    }

    async fn change(&self, method: Method, path: &str) -> StatusCode {
        self.request(method, path, &[], "").await.status
    }
}

fn times_of(body: &str, bodies: &[String]) -> usize {
    bodies.iter().filter(|one| *one == body).count()
}

/// Berlin: 02:00 becomes 03:00 on 2095-03-27 at 01:00Z.
#[tokio::test]
async fn sdk_schedule_is_delivered_every_minute_across_a_clock_change() {
    let event_bridge = EventBridge::start("2095-03-27T00:45:30Z").await;
    let deployed = Deployed::start_with_event_bridge(&event_bridge).await;
    let destination = deployed.receiver.url("/hook");
    let schedules = json!([
        { "destination": destination, "cron": "CRON_TZ=Europe/Berlin * * * * *", "body": "minute", "scheduleId": "m" },
        { "destination": destination, "cron": "CRON_TZ=Europe/Berlin 5 3 * * *", "body": "day", "scheduleId": "d" },
    ]);
    let Some(ids) = create_schedules_with_the_sdk(&deployed.url, &schedules).await else { return };
    assert_eq!(ids, ["m", "d"]);

    let half_an_hour = event_bridge.advance_to("2095-03-27T01:15:30Z");
    assert_eq!(half_an_hour.len(), 31);
    let bodies = deployed.invoke_twice_concurrently(&half_an_hour).await;
    assert_eq!((times_of("minute", &bodies), times_of("day", &bodies), bodies.len()), (30, 1, 31));
    let day = half_an_hour.iter().find(|one| one.input.contains("\"d\"")).map(|one| one.at.to_string());
    assert_eq!(day.as_deref(), Some("2095-03-27T01:05:00Z"), "at 03:05 of Berlin's summer");

    // An invocation that is in flight when the schedule is paused or deleted, and none afterwards.
    let firings = event_bridge.advance_to("2095-03-27T01:16:30Z");
    assert_eq!(deployed.change(Method::POST, "/v2/schedules/m/pause").await, StatusCode::OK);
    assert_eq!(deployed.invoke_for(&firings[0]).await, json!({"skipped": "Paused"}));
    assert_eq!(event_bridge.advance_to("2095-03-27T01:30:30Z"), []);
    assert_eq!(deployed.change(Method::POST, "/v2/schedules/m/resume").await, StatusCode::OK);
    let resumed = event_bridge.advance_to("2095-03-27T01:32:30Z");
    assert_eq!(deployed.invoke_twice_concurrently(&resumed).await, ["minute", "minute"]);

    let firings = event_bridge.advance_to("2095-03-27T01:33:30Z");
    assert_eq!(deployed.change(Method::DELETE, "/v2/schedules/m").await, StatusCode::OK);
    assert_eq!(deployed.invoke_for(&firings[0]).await, json!({"skipped": "Unknown"}));
    // Only the daily schedule is left.
    let next_day = event_bridge.advance_to("2095-03-28T01:33:30Z");
    assert_eq!(deployed.invoke_twice_concurrently(&next_day).await, ["day"]);
    assert_eq!(deployed.database.count("select count(*) from messages").await, 34);
}

impl Deployed {
    /// Sends a change of the schedule "s" and kills its environment while that waits for EventBridge's response.
    async fn change_and_kill(&self, event_bridge: &EventBridge, method: Method, fault: Fault) {
        let is_creation = method == Method::POST;
        let path = if is_creation { self.receiver.url("/hook") } else { "s".to_owned() };
        let change = self.client.request(method, format!("{}/v2/schedules/{path}", self.url)).bearer_auth(DEV_TOKEN);
        let change = change.header("Upstash-Cron", "* * * * *").header("Upstash-Schedule-Id", "s").body("minute");
        event_bridge.changes();
        event_bridge.set_faults(&[fault]);
        let answer = tokio::spawn(change.send());
        event_bridge.wait_for_changes().await;
        let environments = self.dispatch.environments();
        environments.iter().find(|one| !one.is_frozen() && !one.is_dead()).expect("one at work").die();
        assert_eq!(answer.await.expect("an end").expect("a response").status(), StatusCode::BAD_GATEWAY);
        let rows = self.database.count("select count(*) from schedules where mirrored_at is null").await;
        assert_eq!(rows, i64::from(is_creation), "the row is first");
    }

    async fn drift(&self) -> [Value; 3] {
        let drift = self.invoke(json!({"sigpost": "reconcile"})).await;
        ["missing", "different", "orphaned"].map(|kind| drift["drift"][kind].clone())
    }
}

#[tokio::test]
async fn schedule_of_a_killed_environment_is_reconciled_and_fires() {
    let event_bridge = EventBridge::start("2095-01-01T00:00:30Z").await;
    let deployed = Deployed::start_with_event_bridge(&event_bridge).await;
    // EventBridge did not make the change, or it did and the response was lost.
    for (fault, minute) in [(Swallowed, 10), (Silent, 20)] {
        let until = |minute| event_bridge.advance_to(&format!("2095-01-01T00:{minute}:30Z"));
        deployed.change_and_kill(&event_bridge, Method::POST, fault).await;
        let [missing, different, orphaned] = deployed.drift().await;
        assert_eq!(missing, if fault == Swallowed { json!(["s"]) } else { json!([]) });
        assert_eq!([different, orphaned], [json!([]), json!([])]);
        until(minute);
        assert_eq!(deployed.invoke_twice_concurrently(&until(minute + 2)).await, ["minute", "minute"]);

        deployed.change_and_kill(&event_bridge, Method::DELETE, fault).await;
        for left in until(minute + 3) {
            assert_eq!(deployed.invoke_for(&left).await, json!({"skipped": "Unknown"}));
        }
        let [missing, different, orphaned] = deployed.drift().await;
        assert_eq!([missing, different], [json!([]), json!([])]);
        assert_eq!(orphaned.as_array().map(Vec::len), Some(usize::from(fault == Swallowed)));
        assert_eq!(until(minute + 5), []);
        assert_eq!(deployed.bodies().await, [""; 0]);
        assert_eq!(deployed.drift().await, [json!([]), json!([]), json!([])]);
    }
    assert_eq!(deployed.database.count("select count(*) from messages").await, 4);
}
