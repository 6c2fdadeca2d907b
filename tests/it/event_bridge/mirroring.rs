//! Schedule changes through the API are mirrored to EventBridge Scheduler.

use std::path::Path;

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{FlexibleTimeWindowMode, RetryPolicy, ScheduleState};
use dispatch::config::EventBridge as Settings;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::moto::Moto;

use super::start;
use crate::support::event_bridge::{GROUP, sdk, settings};
use crate::support::{EventBridge, TestApp};

/// Returns the names in the group, in order.
pub(super) async fn names(client: &Client) -> Vec<String> {
    let pages = client.list_schedules().group_name(GROUP).into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.expect("a list");
    let mut names: Vec<String> = found.into_iter().filter_map(|summary| summary.name).collect();
    names.sort();
    names
}

/// Returns the schedules in the group, by name.
async fn held(client: &Client) -> Vec<GetScheduleOutput> {
    let mut held = Vec::new();
    for name in names(client).await {
        held.push(client.get_schedule().group_name(GROUP).name(name).send().await.expect("a schedule"));
    }
    held
}

/// Returns expression, time zone and state of each schedule in the group.
pub(super) async fn expressions(client: &Client) -> Vec<String> {
    let shown = |held: GetScheduleOutput| {
        let text = |text: Option<&str>| text.unwrap_or("nothing").to_owned();
        let state = held.state().map_or("nothing", |state| state.as_str());
        format!("{} {} {state}", text(held.schedule_expression()), text(held.schedule_expression_timezone()))
    };
    held(client).await.into_iter().map(shown).collect()
}

fn retrying_for(age_s: i32) -> RetryPolicy {
    RetryPolicy::builder().maximum_event_age_in_seconds(age_s).maximum_retry_attempts(185).build()
}

#[tokio::test]
async fn every_change_is_mirrored_to_eventbridge() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let (settings, client) = (event_bridge.settings(), event_bridge.client());
    let app = start(&settings).await;
    assert_every_change_is_mirrored(&app, &settings, &client).await;
    assert_foreign_changes_are_undone(&app, &client).await;
}

/// An independent server agrees, as far as it implements the API.
#[tokio::test]
async fn every_change_is_mirrored_to_moto() {
    let Some(moto) = Moto::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).await else { return };
    let (settings, client) = (settings(&moto.url), Client::new(&sdk(&moto.url)));
    client.create_schedule_group().name(GROUP).send().await.expect("created");
    let app = start(&settings).await;
    assert_every_change_is_mirrored(&app, &settings, &client).await;
    assert_foreign_changes_are_undone(&app, &client).await;
}

async fn assert_every_change_is_mirrored(app: &TestApp, settings: &Settings, client: &Client) {
    app.schedule_here("nightly", &[("Upstash-Cron", "CRON_TZ=Europe/Berlin 30 3 * * *")], "hello").await;
    let all = held(client).await;
    let [nightly] = &all[..] else { panic!("{all:?}") };
    assert!(nightly.name().expect("a name").starts_with("nightly."));
    assert_eq!(
        (nightly.description(), nightly.schedule_expression(), nightly.schedule_expression_timezone()),
        (Some("nightly"), Some("cron(30 3 * * ? *)"), Some("Europe/Berlin"))
    );
    assert_eq!(nightly.state(), Some(&ScheduleState::Enabled));
    assert_eq!(nightly.flexible_time_window().map(|window| window.mode()), Some(&FlexibleTimeWindowMode::Off));
    let target = nightly.target().expect("a target");
    assert_eq!((target.arn(), target.role_arn()), (&*settings.target_arn, &*settings.role_arn));
    let dead_letters = target.dead_letter_config().and_then(|config| config.arn());
    assert_eq!(dead_letters, settings.dead_letter_arn.as_deref());
    assert_eq!(target.retry_policy(), Some(&retrying_for(86_400)));
    let input: Value = serde_json::from_str(target.input().expect("an input")).expect("JSON");
    let expected = json!({ "sigpost": "firing", "schedule": "nightly", "time": "<aws.scheduler.scheduled-time>" });
    assert_eq!(input, expected);

    // Paused and resumed, any number of times.
    for (change, state) in [("pause", "DISABLED"), ("pause", "DISABLED"), ("resume", "ENABLED"), ("resume", "ENABLED")]
    {
        assert_eq!(app.post(&format!("/v2/schedules/nightly/{change}")).await.status, StatusCode::OK);
        assert_eq!(expressions(client).await, [format!("cron(30 3 * * ? *) Europe/Berlin {state}")]);
    }
    // Replaced while paused, by a schedule that needs two copies, and by one that needs one.
    app.post("/v2/schedules/nightly/pause").await;
    let two = [("Upstash-Cron", "0 9 1 * MON"), ("Upstash-Sigpost-Catch-Up", "none")];
    app.schedule_here("nightly", &two, "hello").await;
    assert_eq!(expressions(client).await, ["cron(0 9 1 * ? *) UTC DISABLED", "cron(0 9 ? * MON *) UTC DISABLED"]);
    for copy in held(client).await {
        assert_eq!(copy.target().and_then(|target| target.retry_policy()), Some(&retrying_for(60)));
    }
    app.schedule_here("nightly", &[("Upstash-Cron", "*/15 * * * *")], "hello").await;
    assert_eq!(expressions(client).await, ["cron(0,15,30,45 * * * ? *) UTC DISABLED"]);
    app.post("/v2/schedules/nightly/resume").await;

    // More than one page of schedules; IDs with a common prefix are distinguished.
    for id in ["a", "b", "night"] {
        app.schedule_here(id, &[("Upstash-Cron", "0 0 * * *")], "hello").await;
    }
    let listed = app.get("/v2/schedules").await.body;
    let shown: Vec<_> = listed.as_array().expect("a list").iter().map(|one| one["scheduleId"].as_str()).collect();
    assert_eq!(shown, ["nightly", "a", "b", "night"].map(Some));
    assert!(listed[0]["nextScheduleTime"].is_i64());
    let drift = app.app.reconcile().await.expect("a response").expect("compared");
    assert!(drift.is_none() && drift.schedules == 4, "{drift:?}");
    assert_eq!(app.delete("/v2/schedules/night").await.status, StatusCode::OK);
    assert_eq!(app.delete("/v2/schedules/night").await.status, StatusCode::NOT_FOUND);
    let left: Vec<_> = held(client).await.into_iter().filter_map(|held| held.description).collect();
    assert_eq!(left, ["a", "b", "nightly"]);
}

/// Deleted, changed and orphaned schedules are repaired; foreign schedules are kept.
async fn assert_foreign_changes_are_undone(app: &TestApp, client: &Client) {
    let all = held(client).await;
    let [a, b, nightly] = &all[..] else { panic!("{all:?}") };
    let name = |held: &GetScheduleOutput| held.name().expect("a name").to_owned();
    let change = client.update_schedule().group_name(GROUP).name(name(b)).schedule_expression("cron(1 1 1 1 ? *)");
    let change = change.set_flexible_time_window(b.flexible_time_window.clone()).set_target(b.target.clone());
    change.send().await.expect("changed");
    let orphan = name(nightly).replace("nightly.", "weekly.");
    for name in [orphan.as_str(), "unrelated"] {
        let creation = client.create_schedule().group_name(GROUP).name(name).schedule_expression("cron(1 1 1 1 ? *)");
        let creation = creation.set_flexible_time_window(a.flexible_time_window.clone()).set_target(a.target.clone());
        creation.send().await.expect("created");
    }
    client.delete_schedule().group_name(GROUP).name(name(a)).send().await.expect("deleted");

    let drift = app.app.reconcile().await.expect("a response").expect("compared");
    assert_eq!((drift.missing, drift.different), (vec!["a".to_owned()], vec!["b".to_owned()]));
    assert_eq!((drift.orphaned, drift.failed), (vec![orphan], vec![]));
    assert_eq!(names(client).await, [name(a), name(b), name(nightly), "unrelated".to_owned()]);
    assert_eq!(expressions(client).await[..2], ["cron(0 0 * * ? *) UTC ENABLED", "cron(0 0 * * ? *) UTC ENABLED"]);
    let drift = app.app.reconcile().await.expect("a response").expect("compared");
    assert!(drift.is_none(), "{drift:?}");
}

#[tokio::test]
async fn schedule_unsupported_by_eventbridge_is_rejected_before_it_is_stored() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let app = start(&event_bridge.settings()).await;
    for (header, cron, reason) in [
        (
            "Upstash-Sigpost-Cron",
            "*/10 * * * * *",
            "fires on whole minutes: the second must be 0; other seconds require `sigpost serve`",
        ),
        ("Upstash-Cron", "0 9 LW * *", "does not document LW, the last weekday of the month"),
    ] {
        let rejected = app.schedule("https://example.com", &[(header, cron)], "").await;
        let error = format!("{header}: EventBridge Scheduler {reason}");
        assert_eq!((rejected.status, rejected.error()), (StatusCode::BAD_REQUEST, &*error));
    }
    assert_eq!(app.get("/v2/schedules").await.body, json!([]));
    app.schedule_here("s", &[("Upstash-Sigpost-Cron", "0 */10 * * * *")], "").await;
    assert_eq!(event_bridge.changes(), ["POST s"]);
}
