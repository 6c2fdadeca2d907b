//! The verdict of job-health: one test for each row of the table in `docs/src/guides/observability.md`.

use serde_json::{Value, json};

use super::Admin;

impl Admin {
    /// Asserts the health, and that the first reason is of this check.
    async fn says(&self, health: &str, check: &str) -> Value {
        let answered = self.health("").await;
        let status = if health == "unhealthy" { 503 } else { 200 };
        assert_eq!((answered.status.as_u16(), &answered.body["health"]), (status, &json!(health)), "{}", answered.body);
        let reason = answered.body["reasons"][0].clone();
        assert_eq!((&reason["check"], &reason["health"]), (&json!(check), &json!(health)), "{}", answered.body);
        reason
    }

    async fn is_healthy(&self) {
        let body = self.health("").await.body;
        assert_eq!((&body["health"], &body["reasons"]), (&json!("healthy"), &json!([])));
    }

    async fn execute(&self, sql: &str) {
        self.database.execute(sql).await;
    }

    /// Inserts attempts that ended a minute ago, each of another message.
    async fn attempts(&self, count: u32, outcome: &str) {
        let sql = format!(
            "insert into attempts (message_id, number, retried, outcome, ended_at)
             select gen_random_uuid(), 1, 0, '{outcome}', now() - interval '1 minute' from generate_series(1, {count})"
        );
        self.execute(&sql).await;
        self.delete_rollups().await;
    }

    /// Inserts dead letters of the given age.
    async fn dead_letters(&self, count: u32, age: &str) {
        self.execute(&format!(
            "insert into dead_letters (message_id, failed_at)
             select gen_random_uuid(), now() - interval '{age}' from generate_series(1, {count})"
        ))
        .await;
    }

    async fn alert(&self, severity: &str) {
        self.execute(&format!(
            "insert into alerts (rule, subject, severity, value, message, announced)
             values ('dead-letters-growing', '', '{severity}', 2000, '2000 dead letters', true)
             on conflict (rule, subject) do update set severity = excluded.severity"
        ))
        .await;
    }

    /// Inserts the report of a dispatcher.
    async fn dispatcher(&self, seen_ago: &str) {
        let sql = format!(
            "insert into processes (id, name, seen_at) values (gen_random_uuid(), 'web-1/7', now() - interval '{seen_ago}')"
        );
        self.execute(&sql).await;
    }
}

#[tokio::test]
async fn failed_runs_decide_the_verdict() {
    let admin = Admin::start().await;
    admin.runs(96, "play", "completed", "1 minute").await;
    admin.runs(4, "play", "failed", "1 minute").await;
    admin.is_healthy().await;
    admin.runs(2, "play", "failed", "1 minute").await;
    admin.says("degraded", "failure-rate").await;
    admin.runs(5, "play", "failed", "1 minute").await;
    admin.says("unhealthy", "failure-rate").await;
}

#[tokio::test]
async fn few_failed_runs_are_not_unhealthy() {
    let admin = Admin::start().await;
    admin.runs(19, "play", "failed", "1 minute").await;
    admin.says("degraded", "failure-rate").await;
}

#[tokio::test]
async fn failed_messages_count_where_no_handler_records_runs() {
    let admin = Admin::start().await;
    admin.attempts(96, "delivered").await;
    admin.attempts(4, "failed").await;
    admin.is_healthy().await;
    admin.attempts(16, "failed").await;
    admin.says("unhealthy", "failure-rate").await;
    let body = admin.health("").await.body;
    assert_eq!((&body["totalJobs"], &body["failureRate"]), (&json!(116), &json!(20.0 / 116.0)));
    let stats = json!([
        { "status": "processing", "count": 0 }, { "status": "completed", "count": 96 }, { "status": "failed", "count": 20 },
    ]);
    assert_eq!(body["stats"], stats);

    // With a run, these count runs, and the attempts have a reason of their own.
    admin.runs(1, "play", "completed", "1 minute").await;
    let body = admin.health("").await.body;
    assert_eq!((&body["totalJobs"], &body["failureRate"]), (&json!(1), &json!(0.0)));
    admin.says("degraded", "failed-attempts").await;
}

#[tokio::test]
async fn failed_attempts_decide_the_verdict() {
    let admin = Admin::start().await;
    admin.attempts(91, "delivered").await;
    admin.attempts(9, "retried").await;
    admin.is_healthy().await;
    admin.attempts(2, "retried").await;
    admin.says("degraded", "failed-attempts").await;
    admin.attempts(80, "retried").await;
    admin.says("unhealthy", "failed-attempts").await;
}

#[tokio::test]
async fn dead_letters_decide_the_verdict() {
    let admin = Admin::start().await;
    admin.dead_letters(9, "1 minute").await;
    admin.dead_letters(2000, "2 hours").await;
    admin.is_healthy().await;
    admin.dead_letters(1, "1 minute").await;
    admin.says("degraded", "dead-letters").await;
    admin.dead_letters(90, "1 minute").await;
    admin.says("unhealthy", "dead-letters").await;
}

#[tokio::test]
async fn stuck_runs_decide_the_verdict() {
    let admin = Admin::start().await;
    admin.insert_active_run("msg_fine", "9 minutes", "30 seconds").await;
    admin.is_healthy().await;
    admin.insert_active_run("msg_slow", "11 minutes", "30 seconds").await;
    admin.says("degraded", "stuck-runs").await;
    for n in 0..9 {
        admin.insert_active_run(&format!("msg_{n}"), "1 minute", "-1 second").await;
    }
    admin.says("unhealthy", "stuck-runs").await;
}

#[tokio::test]
async fn oldest_due_age_decides_the_verdict() {
    let admin = Admin::start().await;
    admin.dispatcher("1 minute").await;
    admin.message("pending", "-30 seconds").await;
    admin.is_healthy().await;
    admin.message("pending", "-61 seconds").await;
    admin.says("degraded", "queue-age").await;
    // Messages count as due from the end of an expired lease.
    admin.message("active", "-301 seconds").await;
    admin.says("unhealthy", "queue-age").await;
}

#[tokio::test]
async fn missed_schedules_decide_the_verdict() {
    let admin = Admin::start().await;
    admin
        .execute(
            "insert into schedules (id, version, cron, destination, parameters, body, catch_up, next_fire_at)
             values ('nightly', 1, '0 0 1 1 *', 'https://a.example', '{}', '', 'none', now() - interval '1 minute')",
        )
        .await;
    admin.is_healthy().await;
    admin.execute("update schedules set next_fire_at = now() - interval '3 minutes'").await;
    let reason = admin.says("degraded", "schedule-missed").await;
    assert_eq!(reason["subject"], "nightly");
    admin.execute("update schedules set next_fire_at = now() - interval '11 minutes'").await;
    admin.says("unhealthy", "schedule-missed").await;
}

#[tokio::test]
async fn due_messages_without_a_live_dispatcher_are_unhealthy() {
    let admin = Admin::start().await;
    admin.message("pending", "-90 seconds").await;
    admin.dispatcher("10 minutes").await;
    admin.says("degraded", "queue-age").await;
    admin.message("pending", "-121 seconds").await;
    admin.says("unhealthy", "no-dispatcher").await;
    // A dispatcher that runs in Lambda.
    admin.execute("insert into dispatchers values (gen_random_uuid(), now() + interval '1 minute', 64)").await;
    admin.says("degraded", "queue-age").await;
}

#[tokio::test]
async fn destination_that_hangs_with_all_capacity_degrades_health() {
    let admin = Admin::start().await;
    admin.dispatcher("1 minute").await;
    for _ in 0..9 {
        admin.message("active", "20 seconds").await;
    }
    admin.execute("update pending_deliveries set due_at = due_at - interval '2 minutes', leased_at = leased_at - interval '2 minutes'").await;
    admin.is_healthy().await;
    admin.message("pending", "-61 seconds").await;
    let body = admin.health("").await.body;
    assert_eq!(body["health"], "degraded");
    let reason = &body["reasons"][1];
    assert_eq!((&reason["check"], &reason["subject"]), (&json!("hanging-destination"), &json!("127.0.0.1:1")));
    let message = reason["message"].as_str().expect("a text");
    assert!(message.starts_with("9 of 9 messages in flight are attempts to 127.0.0.1:1"), "{message}");

    // Another destination has a part of the capacity.
    admin.message("active", "20 seconds").await;
    admin.message("active", "20 seconds").await;
    assert_eq!(admin.health("").await.body["reasons"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn open_critical_alert_is_unhealthy() {
    let admin = Admin::start().await;
    admin.alert("warning").await;
    admin.is_healthy().await;
    admin.alert("critical").await;
    let reason = admin.says("unhealthy", "dead-letters-growing").await;
    assert_eq!(reason["message"], "2000 dead letters");
    admin.execute("update alerts set resolved_at = now()").await;
    admin.is_healthy().await;
}

#[tokio::test]
async fn dead_letters_with_a_critical_alert_are_not_healthy() {
    let admin = Admin::start().await;
    admin.dead_letters(2000, "2 hours").await;
    admin.alert("critical").await;
    admin.says("unhealthy", "dead-letters-growing").await;
    assert_eq!(admin.health("").await.body["deadLetters"], json!({ "inWindow": 0, "total": 2000 }));
}
