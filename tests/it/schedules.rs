//! Schedules as they are created, read, replaced, paused and deleted.

mod catching_up;
mod firing;
mod many;
mod running;
mod several_processes;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answered, TestApp, answered};

/// A cron expression that does not fire during the tests, unless a test makes it due.
const YEARLY: (&str, &str) = ("Upstash-Cron", "1 1 1 1 *");

impl TestApp {
    /// Creates a schedule.
    pub(crate) async fn schedule(&self, destination: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let mut request = self.request(Method::POST, &format!("/v2/schedules/{destination}")).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answered(request).await
    }

    /// Creates a schedule with this ID for this test's receiver.
    pub(crate) async fn schedule_here(&self, id: &str, headers: &[(&str, &str)], body: &str) {
        let headers = [headers, &[("Upstash-Schedule-Id", id)]].concat();
        let created = self.schedule(&self.receiver.url("/hook"), &headers, body).await;
        assert_eq!((created.status, created.body), (StatusCode::OK, json!({ "scheduleId": id })));
    }

    /// Returns the schedule object.
    pub(crate) async fn read_schedule(&self, id: &str) -> Value {
        self.get(&format!("/v2/schedules/{id}")).await.body
    }

    /// Makes a schedule due for this time, an SQL expression.
    async fn make_due(&self, id: &str, at: &str) {
        let sql = format!("update schedules set next_fire_at = {at} where id = '{id}'; notify sigpost, 'schedules'");
        self.database.execute(&sql).await;
    }
}

/// Wire reference, section 10: rows 7, 21 and 40; section 0: traps 10, 11 and 29.
#[tokio::test]
async fn schedule_is_read_back_as_created() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let headers = [
        ("Upstash-Cron", "CRON_TZ=Europe/Berlin 0 3 * * * "),
        ("Upstash-Schedule-Id", "nightly-1.2_3"),
        ("Content-Type", "application/json"),
        ("Upstash-Forward-bypass-tunnel-reminder", "a, b"),
        ("Upstash-Telemetry-Sdk", "x"),
        ("Upstash-Method", "PUT"),
        ("Upstash-Retries", "5"),
        ("Upstash-Delay", "1m"),
        ("Upstash-Timeout", "30"),
        ("Upstash-Retry-Delay", "1000 * retried"),
        ("Upstash-Callback", "https://example.com?foo=bar"),
        ("Upstash-Callback-Forward-X", "back"),
        ("Upstash-Failure-Callback", "https://example.com/failed"),
        ("Upstash-Queue-Name", "mail"),
        ("Upstash-Flow-Control-Key", "key"),
        ("Upstash-Flow-Control-Value", "parallelism=2"),
        ("Upstash-Label", "first, second"),
        ("Upstash-Sigpost-Catch-Up", "all"),
    ];
    let destination = "https://example.com?a=b&upstash-sigpost-priority=7";
    let created = app.schedule(destination, &headers, r#"{"a":1}"#).await;
    assert_eq!((created.status, created.body), (StatusCode::OK, json!({ "scheduleId": "nightly-1.2_3" })));

    let mut read = app.read_schedule("nightly-1.2_3").await;
    let created_at = read["createdAt"].take().as_i64().expect("a time");
    let next = Timestamp::from_millisecond(read["nextScheduleTime"].take().as_i64().expect("a time")).expect("a time");
    assert_eq!(next.in_tz("Europe/Berlin").expect("a zone").strftime("%H:%M:%S").to_string(), "03:00:00");
    assert!((1..=25 * 3_600_000).contains(&(next.as_millisecond() - created_at)), "{next}");
    let expected = json!({
        "scheduleId": "nightly-1.2_3",
        "cron": "CRON_TZ=Europe/Berlin 0 3 * * *",
        "destination": "https://example.com?a=b",
        "method": "PUT",
        "createdAt": null,
        "retries": 5,
        "isPaused": false,
        "header": { "Bypass-Tunnel-Reminder": ["a, b"], "Content-Type": ["application/json"] },
        "body": r#"{"a":1}"#,
        "delay": 60,
        "timeout": 30_000,
        "callback": "https://example.com?foo=bar",
        "callbackHeader": { "X": ["back"] },
        "failureCallback": "https://example.com/failed",
        "callerIP": "127.0.0.1",
        "callerIp": "127.0.0.1",
        "queueName": "mail",
        "flowControlKey": "key",
        "parallelism": 2,
        "period": 1,
        "priority": 7,
        "retryDelayExpression": "1000 * retried",
        "label": "first",
        "labels": ["first", "second"],
        "nextScheduleTime": null,
        "catchUp": "all",
    });
    assert_eq!(read, expected);

    let bare = app.schedule("https://example.com", &[YEARLY], "").await.body["scheduleId"].clone();
    let bare = bare.as_str().expect("an id");
    assert!(bare.starts_with("scd_"));
    let mut read = app.read_schedule(bare).await;
    read["createdAt"].take();
    read["nextScheduleTime"].take();
    let expected = json!({
        "scheduleId": bare,
        "cron": "1 1 1 1 *",
        "destination": "https://example.com",
        "method": "POST",
        "createdAt": null,
        "retries": 3,
        "isPaused": false,
        "callerIP": "127.0.0.1",
        "callerIp": "127.0.0.1",
        "nextScheduleTime": null,
    });
    assert_eq!(read, expected);

    let all = app.get("/v2/Schedules").await.body;
    let ids: Vec<&str> = all.as_array().expect("a list").iter().filter_map(|one| one["scheduleId"].as_str()).collect();
    assert_eq!(ids, ["nightly-1.2_3", bare]);
    assert_eq!(app.get("/v2/schedules/").await.body, all);
}

#[tokio::test]
async fn redacted_schedule_fields_are_not_shown() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let headers = [
        YEARLY,
        ("Upstash-Forward-X-Key", "secret"),
        ("Upstash-Redact-Fields", "body, header[X-Key]"),
        ("Content-Type", "a/b"),
    ];
    app.schedule_here("s", &headers, "secret").await;
    let read = app.read_schedule("s").await;
    assert!(
        !read.to_string().contains("secret") && !app.get("/v2/schedules").await.body.to_string().contains("secret")
    );
    assert!(read["body"].as_str().expect("a body").starts_with("REDACTED:"));
    assert_eq!(read["header"]["Content-Type"], json!(["a/b"]));
}

/// Wire reference, section 0: trap 12.
#[tokio::test]
async fn replacing_a_schedule_keeps_creation_time_and_pause() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    app.schedule_here("s", &[YEARLY, ("Upstash-Retries", "1"), ("Upstash-Label", "old")], "body").await;
    app.post("/v2/schedules/s/pause").await;
    let first = app.read_schedule("s").await;
    let version = || async { app.database.count("select version from schedules").await };
    let version_before = version().await;

    let headers = [("Upstash-Cron", "*/6 * * * *"), ("Upstash-Schedule-Id", "s")];
    app.schedule("https://www.updated.com", &headers, "").await;
    let second = app.read_schedule("s").await;
    let mut expected = json!({
        "scheduleId": "s",
        "cron": "*/6 * * * *",
        "destination": "https://www.updated.com",
        "method": "POST",
        "retries": 3,
        "isPaused": true,
        "callerIP": "127.0.0.1",
        "callerIp": "127.0.0.1",
    });
    expected["createdAt"] = first["createdAt"].clone();
    assert_eq!(second, expected);
    assert!(version().await > version_before);

    // A version is never reused, even by another schedule of the same name.
    let version_before = version().await;
    app.delete("/v2/schedules/s").await;
    app.schedule_here("s", &[YEARLY], "").await;
    assert!(version().await > version_before);
}

/// Wire reference, section 10: row 2; section 0: trap 3.
#[tokio::test]
async fn schedule_is_paused_and_resumed_repeatedly_by_three_methods() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    app.schedule_here("s", &[("Upstash-Cron", "*/10 * * * *")], "").await;
    for method in [Method::PATCH, Method::POST, Method::PUT] {
        let switch = async |path: &str| answered(app.request(method.clone(), path)).await;
        for _ in 0..2 {
            assert_eq!(switch("/v2/schedules/s/pause").await.status, StatusCode::OK);
            let read = app.read_schedule("s").await;
            assert_eq!((&read["isPaused"], read.get("nextScheduleTime")), (&json!(true), None));
        }
        for _ in 0..2 {
            assert_eq!(switch("/v2/Schedules/s/resume").await.status, StatusCode::OK);
            let read = app.read_schedule("s").await;
            assert_eq!(read["isPaused"], json!(false));
            assert!(read["nextScheduleTime"].as_i64().expect("a time") > Timestamp::now().as_millisecond());
        }
        let missing = switch("/v2/schedules/missing/pause").await;
        assert_eq!((missing.status, missing.error()), (StatusCode::NOT_FOUND, "schedule missing not found"));
    }
    // Resuming a schedule that is not paused keeps its due firings.
    app.database.execute("update schedules set next_fire_at = '2000-01-01'").await;
    app.post("/v2/schedules/s/resume").await;
    assert_eq!(app.database.count("select count(*) from schedules where next_fire_at = '2000-01-01'").await, 1);
}

/// Wire reference, section 10: rows 44 and 47.
#[tokio::test]
async fn deleting_a_schedule_keeps_its_messages() {
    let app = TestApp::start().await;
    app.schedule_here("s", &[YEARLY, ("Upstash-Delay", "1h")], "").await;
    app.make_due("s", "now()").await;
    let id = firing::published(&app, "s", 1).await[0];

    assert_eq!(app.delete("/v2/schedules/s").await.status, StatusCode::OK);
    assert_eq!(app.message(id).await["scheduleId"], "s");
    for path in ["/v2/schedules/s", "/v2/Schedules/never"] {
        assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.delete(path).await.status, StatusCode::NOT_FOUND);
    }
    app.schedule_here("s", &[YEARLY], "").await;
    assert_eq!(app.delete("/v2/schedules/").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.delete("/v2/schedules").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(app.database.count("select count(*) from schedules").await, 1);
}

#[tokio::test]
async fn invalid_schedule_is_rejected_by_name_and_nothing_is_stored() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let fine = "https://example.com";
    for (destination, header, error) in [
        (fine, ("Upstash-Cron", ""), "Upstash-Cron: is required for a schedule"),
        (
            fine,
            ("Upstash-Cron", "every day"),
            "Upstash-Cron: must have 5 fields (minute, hour, day of month, month, day of week), got \"every day\"",
        ),
        (
            fine,
            ("Upstash-Cron", "0 0 31 2 *"),
            "Upstash-Cron: never fires, since there is no such date, got \"0 0 31 2 *\"",
        ),
        (
            fine,
            ("Upstash-Cron", "CRON_TZ=Mars/Base * * * * *"),
            "Upstash-Cron: unknown time zone \"Mars/Base\", expected an IANA name",
        ),
        (
            fine,
            ("Upstash-Schedule-Id", "a b"),
            "Upstash-Schedule-Id: must be a name of letters, digits, hyphens, underscores and periods",
        ),
        (fine, ("Upstash-Not-Before", "1"), "Upstash-Not-Before: cannot be used for a schedule, use Upstash-Delay"),
        (fine, ("Upstash-Retries", "many"), "Upstash-Retries: must be a whole number, 0 or more, got \"many\""),
        (
            "https://10.0.0.1",
            ("Upstash-Retries", "1"),
            "invalid destination url: endpoint resolves to a private address: 10.0.0.1; to permit it, name it in \
             ALLOW_TARGETS (serve: --allow-targets)",
        ),
        (
            fine,
            ("Upstash-Callback", "https://10.0.0.1"),
            "Upstash-Callback: invalid destination url: endpoint resolves to a private address: 10.0.0.1; to permit it, name it in \
             ALLOW_TARGETS (serve: --allow-targets)",
        ),
        ("", ("Upstash-Retries", "1"), "invalid destination url: it is missing"),
        (
            "s/explode",
            ("Upstash-Retries", "1"),
            "invalid destination url: it must begin with http:// or https://: \"s/explode\"",
        ),
    ] {
        let cron = if header.0 == "Upstash-Cron" { vec![] } else { vec![YEARLY] };
        let rejected = app.schedule(destination, &[&cron[..], &[header]].concat(), "").await;
        assert_eq!(rejected.status, StatusCode::BAD_REQUEST);
        assert!(rejected.error().starts_with(error), "{}", rejected.error());
    }
    let unknown = answered(app.request(Method::PATCH, "/v2/schedules/s/explode")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/v2/schedules").await.body, json!([]));
}

#[tokio::test]
async fn schedule_over_the_quota_is_rejected_and_replacement_is_allowed() {
    let app = TestApp::start_with(|config| {
        config.dispatcher = None;
        config.limits.max_schedules = 1;
    })
    .await;
    app.schedule_here("first", &[YEARLY], "").await;
    let rejected = app.schedule("https://example.com", &[YEARLY], "").await;
    assert_eq!(
        (rejected.status, rejected.error()),
        (StatusCode::PRECONDITION_FAILED, "quota maxSchedules exceeded, current limit: 1")
    );
    app.schedule_here("first", &[YEARLY], "again").await;
    assert_eq!(app.read_schedule("first").await["body"], "again");
}
