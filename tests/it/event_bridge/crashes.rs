//! Failures between the row and EventBridge Scheduler are repaired.

use std::process::Stdio;

use reqwest::{Method, StatusCode};
use serde_json::json;
use sigpost_qstash::DEV_TOKEN;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::mirroring::{expressions, names};
use super::{HOURLY, start};
use crate::support::event_bridge::Fault::{Rejected, Silent, Swallowed, Unanswered};
use crate::support::event_bridge::GROUP;
use crate::support::{EventBridge, TestApp};

const HELD: &str = "cron(0 * * * ? *) UTC ENABLED";

impl TestApp {
    async fn is_mirrored(&self) -> bool {
        self.database.count("select count(*) from schedules where mirrored_at is null").await == 0
    }

    /// Returns how many schedules a reconciliation finds missing, different and orphaned.
    async fn drift(&self) -> [usize; 3] {
        let drift = self.app.reconcile().await.expect("a response").expect("compared");
        assert!(drift.failed.is_empty(), "{drift:?}");
        [drift.missing, drift.different, drift.orphaned].map(|found| found.len())
    }
}

#[tokio::test]
async fn rejected_creation_is_repeated_by_next_call_or_reconciliation() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let (app, client) = (start(&event_bridge.settings()).await, event_bridge.client());
    for by_reconciliation in [false, true] {
        event_bridge.set_faults(&[Rejected]);
        let headers = [HOURLY, ("Upstash-Schedule-Id", "s")];
        let rejected = app.schedule("https://example.com", &headers, "").await;
        let error = "EventBridge Scheduler did not apply the change; retry the request";
        assert_eq!((rejected.status, rejected.error()), (StatusCode::SERVICE_UNAVAILABLE, error));
        assert!(names(&client).await.is_empty() && !app.is_mirrored().await);
        if by_reconciliation {
            assert_eq!(app.drift().await, [1, 0, 0]);
        } else {
            assert_eq!(app.schedule("https://example.com", &headers, "").await.status, StatusCode::OK);
        }
        assert_eq!(expressions(&client).await, [HELD]);
        assert!(app.is_mirrored().await);
        assert_eq!(app.drift().await, [0, 0, 0]);
        app.delete("/v2/schedules/s").await;
    }

    // Without an ID from the creator the schedule is not stored: a second request creates another one.
    event_bridge.set_faults(&[Rejected]);
    let rejected = app.schedule("https://example.com", &[HOURLY], "").await;
    assert_eq!(rejected.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.get("/v2/schedules").await.body, json!([]));
}

#[tokio::test]
async fn rejected_changes_are_repeated_by_next_call_or_reconciliation() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let (app, client) = (start(&event_bridge.settings()).await, event_bridge.client());
    for by_reconciliation in [false, true] {
        app.schedule_here("s", &[HOURLY], "").await;
        event_bridge.set_down(true);
        assert_eq!(app.post("/v2/schedules/s/pause").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(app.app.reconcile().await.is_err());
        event_bridge.set_down(false);
        assert_eq!(expressions(&client).await, [HELD]);
        assert_eq!(app.read_schedule("s").await["isPaused"], json!(true));
        if by_reconciliation {
            assert_eq!(app.drift().await, [0, 1, 0]);
        } else {
            assert_eq!(app.post("/v2/schedules/s/pause").await.status, StatusCode::OK);
        }
        assert_eq!(expressions(&client).await, [HELD.replace("ENABLED", "DISABLED")]);

        event_bridge.set_faults(&[Rejected]);
        assert_eq!(app.delete("/v2/schedules/s").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!((names(&client).await.len(), app.get("/v2/schedules").await.body), (1, json!([])));
        if by_reconciliation {
            assert_eq!(app.drift().await, [0, 0, 1]);
        } else {
            assert_eq!(app.delete("/v2/schedules/s").await.status, StatusCode::NOT_FOUND);
        }
        assert!(names(&client).await.is_empty());
    }
}

#[tokio::test]
async fn creation_with_a_lost_response_is_repeated_idempotently() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let (app, client) = (start(&event_bridge.settings()).await, event_bridge.client());
    event_bridge.set_faults(&[Unanswered]);
    app.schedule_here("s", &[HOURLY], "").await;
    assert_eq!(event_bridge.changes(), ["POST s", "POST s"]);
    assert_eq!(expressions(&client).await, [HELD]);

    // If a process crashed before it recorded the creation, the copy exists and only the record is written.
    app.database.execute("update schedules set mirrored_at = null").await;
    assert_eq!(app.drift().await, [0, 0, 0]);
    assert!(app.is_mirrored().await && event_bridge.changes().is_empty());

    // The copy was deleted: creating it again is not the creation that AWS remembers.
    let name = names(&client).await.remove(0);
    client.delete_schedule().group_name(GROUP).name(name).send().await.expect("deleted");
    assert_eq!(app.drift().await, [1, 0, 0]);
    assert_eq!(expressions(&client).await, [HELD]);
}

/// Starts a function as a separate process with settings from the environment. Returns it with its URL.
async fn start_process(app: &TestApp, event_bridge: &EventBridge) -> (Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_compat-server"))
        .env_clear()
        .env("DATABASE_URL", &app.database.url)
        .env("QSTASH_TOKEN", DEV_TOKEN)
        .env("RUST_LOG", "warn")
        .envs(event_bridge.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process");
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let address = lines.next_line().await.expect("a line").expect("an address");
    (process, format!("http://{address}"))
}

#[tokio::test]
async fn reconciliation_repairs_the_changes_of_a_killed_process() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let (app, client) = (start(&event_bridge.settings()).await, event_bridge.client());
    for (method, fault, drift, left) in [
        (Method::POST, Swallowed, [1, 0, 0], 1),
        (Method::DELETE, Swallowed, [0, 0, 1], 0),
        (Method::POST, Silent, [0, 0, 0], 1),
        (Method::DELETE, Silent, [0, 0, 0], 0),
    ] {
        let (mut process, url) = start_process(&app, &event_bridge).await;
        let path = if method == Method::POST { "https://example.com" } else { "s" };
        let request = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = request.request(method.clone(), format!("{url}/v2/schedules/{path}")).bearer_auth(DEV_TOKEN);
        let request = request.header(HOURLY.0, HOURLY.1).header("Upstash-Schedule-Id", "s");

        event_bridge.changes();
        event_bridge.set_faults(&[fault]);
        let answer = tokio::spawn(request.send());
        assert_eq!(event_bridge.wait_for_changes().await, [format!("{method} s")]);
        process.kill().await.expect("killed");
        assert!(answer.await.expect("an end").is_err(), "{method} {fault:?} got a response");

        let rows = app.get("/v2/schedules").await.body;
        assert_eq!(rows.as_array().map(Vec::len), Some(left), "the row is first: {method} {fault:?}");
        assert_eq!(app.is_mirrored().await, left == 0);
        assert_eq!(app.drift().await, drift, "{method} {fault:?}");
        assert_eq!((names(&client).await.len(), app.is_mirrored().await), (left, true));
    }
}

#[tokio::test]
async fn concurrent_changes_leave_eventbridge_equal_to_the_row() {
    let event_bridge = EventBridge::start("2026-11-25T12:00:00Z").await;
    let (app, client) = (start(&event_bridge.settings()).await, event_bridge.client());
    for _ in 0..5 {
        let create = async |cron| {
            app.schedule("https://example.com", &[("Upstash-Cron", cron), ("Upstash-Schedule-Id", "s")], "").await
        };
        let calls = tokio::join!(
            create("0 * * * *"),
            create("30 * 1 * MON"),
            app.delete("/v2/schedules/s"),
            create("15 * * * *"),
            app.post("/v2/schedules/s/pause"),
            app.delete("/v2/schedules/s"),
            app.post("/v2/schedules/s/resume"),
        );
        let calls = [calls.0, calls.1, calls.2, calls.3, calls.4, calls.5, calls.6];
        assert!(calls.iter().all(|call| !call.status.is_server_error()), "{calls:?}");
        assert_eq!(app.drift().await, [0, 0, 0], "{:?}", expressions(&client).await);
        assert!(app.is_mirrored().await);
    }
}
