//! `GET /api/admin/job-health`.

use serde_json::json;

use super::{Admin, TOKEN};
use crate::jobs::deployment::answer;
use crate::support::{Proxy, TestDatabase};

#[tokio::test]
async fn idle_deployment_is_healthy() {
    let admin = Admin::start().await;
    let answered = admin.health("").await;
    assert_eq!((answered.status.as_u16(), &answered.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    let expected = json!({
        "stats": [
            { "status": "processing", "count": 0 }, { "status": "completed", "count": 0 }, { "status": "failed", "count": 0 },
        ],
        "failureRate": 0.0,
        "totalJobs": 0,
        "health": "healthy",
        "reasons": [],
        "windowSeconds": 3600,
        "byType": [],
        "stuck": { "count": 0, "oldestSeconds": null, "messageIds": [] },
        "queue": { "due": 0, "scheduled": 0, "active": 0, "waiting": 0, "oldestDueSeconds": null },
        "deadLetters": { "inWindow": 0, "total": 0 },
        "durations": null,
        "lastCompletedAt": null,
        "alerts": [],
    });
    assert_eq!(answered.body, expected);
}

#[tokio::test]
async fn failure_rate_degrades_at_five_percent_and_is_unhealthy_at_ten() {
    let admin = Admin::start().await;
    admin.runs(95, "play", "completed", "1 minute").await;
    admin.runs(4, "email", "failed", "1 minute").await;
    admin.insert_active_run("msg_1", "1 minute", "30 seconds").await;
    let below = admin.health("").await;
    assert_eq!((below.status.as_u16(), &below.body["health"]), (200, &json!("healthy")));
    // Of the runs that ended: 4 of 99.
    assert_eq!(below.body["failureRate"], json!(4.0 / 99.0));
    assert_eq!(below.body["totalJobs"], 100);
    let stats = json!([
        { "status": "processing", "count": 1 }, { "status": "completed", "count": 95 }, { "status": "failed", "count": 4 },
    ]);
    assert_eq!(below.body["stats"], stats);
    let by_type = json!([
        { "type": "email", "processing": 0, "completed": 0, "failed": 4, "failureRate": 1.0 },
        { "type": "play", "processing": 1, "completed": 95, "failed": 0, "failureRate": 0.0 },
    ]);
    assert_eq!(below.body["byType"], by_type);
    assert_eq!(below.body["durations"]["averageMs"], 1000.0);
    for percentile in ["p50Ms", "p95Ms", "p99Ms"] {
        let ms = below.body["durations"][percentile].as_f64().expect("a number");
        assert!((ms / 1000.0 - 1.0).abs() < 0.15, "{percentile}: {ms}");
    }
    let last: jiff::Timestamp = below.body["lastCompletedAt"].as_str().expect("a time").parse().expect("RFC 3339");
    assert!((55..120).contains(&(jiff::Timestamp::now().as_second() - last.as_second())), "{last}");

    admin.runs(1, "email", "failed", "1 minute").await;
    let at = admin.health("").await;
    assert_eq!((at.status.as_u16(), &at.body["health"]), (200, &json!("degraded")));
    assert_eq!((&at.body["failureRate"], &at.body["totalJobs"]), (&json!(0.05), &json!(101)));
    let reasons = json!([{
        "check": "failure-rate",
        "health": "degraded",
        "message": "5 of 100 runs in the last hour failed (5.0 %), most of type email",
        "runbook": "guides/troubleshooting.md#failure-rate",
    }]);
    assert_eq!(at.body["reasons"], reasons);

    admin.runs(6, "email", "failed", "1 minute").await;
    assert_eq!(admin.verdict().await, (503, json!("unhealthy")));
}

#[tokio::test]
async fn window_limits_the_runs_that_count() {
    let admin = Admin::start().await;
    admin.runs(1, "play", "completed", "30 seconds").await;
    admin.runs(1, "play", "failed", "3 minutes").await;
    admin.runs(2, "play", "failed", "2 hours").await;
    for (query, seconds, total, failure_rate) in [
        ("?window=1m", 60, 1, 0.0),
        ("", 3600, 2, 0.5),
        ("?window=1h", 3600, 2, 0.5),
        ("?window=1d12h", 129_600, 4, 0.75),
        ("?window=7d", 604_800, 4, 0.75),
    ] {
        let body = admin.health(query).await.body;
        assert_eq!(body["windowSeconds"], seconds, "{query}");
        assert_eq!((&body["totalJobs"], &body["failureRate"]), (&json!(total), &json!(failure_rate)), "{query}");
    }
    for wrong in ["?window=59s", "?window=8d", "?window=soon", "?window=", "?window=1h&window=2h"] {
        let rejected = admin.health(wrong).await;
        let (status, error) = rejected.rejection();
        assert_eq!((status, error.split_once(": ").map(|(field, _)| field)), (400, Some("window")), "{error}");
    }
}

#[tokio::test]
async fn overdue_run_degrades_health() {
    let admin = Admin::start().await;
    admin.insert_active_run("msg_fine", "9 minutes", "30 seconds").await;
    assert_eq!(admin.verdict().await, (200, json!("healthy")));

    admin.insert_active_run("msg_dead", "5 minutes", "-1 second").await;
    admin.insert_active_run("msg_slow", "11 minutes", "30 seconds").await;
    let body = admin.health("").await.body;
    assert_eq!(admin.verdict().await, (200, json!("degraded")));
    assert_eq!(body["stuck"]["count"], 2);
    assert_eq!(body["stuck"]["messageIds"], json!(["msg_slow", "msg_dead"]));
    assert!((660.0..720.0).contains(&body["stuck"]["oldestSeconds"].as_f64().expect("a number")), "{body}");
    let reason = body["reasons"][0]["message"].as_str().expect("a text");
    assert!(reason.starts_with("2 runs are stuck, the oldest began 6"), "{reason}");
}

#[tokio::test]
async fn backlog_without_a_dispatcher_is_unhealthy() {
    let admin = Admin::start().await;
    admin.message("pending", "-20 seconds").await;
    admin.message("pending", "1 hour").await;
    admin.message("pending", "1 hour").await;
    admin.message("active", "20 seconds").await;
    let body = admin.health("").await.body;
    assert_eq!(body["health"], "healthy");
    let mut queue = body["queue"].clone();
    let oldest = queue["oldestDueSeconds"].take().as_f64().expect("a number");
    assert!((20.0..60.0).contains(&oldest), "{oldest}");
    assert_eq!(queue, json!({ "due": 1, "scheduled": 2, "active": 1, "waiting": 0, "oldestDueSeconds": null }));

    // Leased by a crashed dispatcher, and no other dispatcher is running.
    admin.message("active", "-400 seconds").await;
    assert_eq!(admin.verdict().await, (503, json!("unhealthy")));
    let body = admin.health("").await.body;
    assert_eq!((&body["queue"]["due"], &body["queue"]["active"]), (&json!(2), &json!(1)));
    let reason = body["reasons"][0]["message"].as_str().expect("a text");
    assert!(reason.starts_with("2 messages are due, the oldest for 4"), "{reason}");
}

#[tokio::test]
async fn dead_letters_are_counted_in_the_window_and_in_total() {
    let admin = Admin::start().await;
    admin
        .database
        .execute(
            "insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, finished_at)
                 select gen_random_uuid(), 'failed', '', 'POST', '{}', '', 0, '{}', now(), now() from generate_series(1, 3);
             insert into dead_letters (message_id, failed_at) select id, now() from messages;
             update dead_letters set failed_at = now() - interval '2 hours' where id = 1;",
        )
        .await;
    assert_eq!(admin.health("").await.body["deadLetters"], json!({ "inWindow": 2, "total": 3 }));
    assert_eq!(admin.health("?window=3h").await.body["deadLetters"], json!({ "inWindow": 3, "total": 3 }));
}

#[tokio::test]
async fn health_requires_the_admin_token() {
    let admin = Admin::start().await;
    let request = || admin.client.get(admin.path("/job-health"));
    let (missing, invalid) = ("the header Authorization is missing", "the header Authorization is invalid");
    for (request, problem) in [
        (request(), missing),
        (request().bearer_auth("wrong"), "invalid token"),
        (request().bearer_auth(""), invalid),
        (request().bearer_auth(format!("{TOKEN} {TOKEN}")), "invalid token"),
        (request().header("Authorization", TOKEN), invalid),
        (request().basic_auth("admin", Some(TOKEN)), invalid),
        (admin.client.get(admin.path(&format!("/job-health?token={TOKEN}"))), missing),
    ] {
        let answered = answer(request).await;
        let (status, problem) = (answered.status.as_u16(), format!("unable to authenticate: {problem}"));
        assert_eq!((status, &answered.body["code"]), (401, &json!("unauthorized")));
        assert!(answered.body["error"].as_str().is_some_and(|error| error.starts_with(&problem)), "{answered:?}");
        assert!(!answered.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn health_returns_an_error_while_postgres_is_down() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let admin = Admin::start_over(proxy.url(&database.url), database.clone()).await;
    assert_eq!(admin.verdict().await, (200, json!("healthy")));

    proxy.forward_to(None);
    let rejected = admin.health("").await;
    assert_eq!(rejected.rejection(), (503, "the database is unavailable; try again"));
    assert_eq!(rejected.retry_after(), 1);

    proxy.forward_to(Some(database.port()));
    assert_eq!(admin.verdict().await, (200, json!("healthy")));
}
