//! `GET /api/admin/job-metrics`, `GET /api/admin/stats`, and the rollups that they use.

use std::time::Duration;

use serde_json::{Value, json};
use sigpost_store::Database;
use sigpost_store::metrics::{Window, catch_up, message_series, run_series, runs_by_type};

use super::Admin;
use crate::support::TestDatabase;

/// Inserts 10,000 runs and events that ended at random times of the last thirty hours.
async fn history(database: &TestDatabase) {
    database
        .execute(
            "select setseed(0.5);
             insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at, created_at)
             select gen_random_uuid(), 'msg_' || n, 'type-' || n % 3, 1,
                    (case when random() < 0.1 then 'failed' else 'completed' end)::job_execution_status,
                    ended - make_interval(secs => random() * 10), ended, ended
             from generate_series(1, 10000) n, lateral (select now() - (random() + 0 * n) * interval '30 hours' as ended) at;
             insert into seeds.events (at, message_id, state)
             select now() - random() * interval '30 hours', gen_random_uuid(),
                    (array['CREATED', 'ACTIVE', 'DELIVERED', 'ERROR', 'RETRY', 'FAILED', 'CANCELED'])[1 + n % 7]::event_state
             from generate_series(1, 10000) n;
             update rollup_progress set until = date_trunc('minute', now() - interval '31 hours');",
        )
        .await;
}

/// Counts completed and failed runs by type, then events by state, from the rows of the window.
async fn counted(database: &TestDatabase, unit: &str, window: &str) -> (Value, Value) {
    let since = format!("date_trunc('{unit}', now() - interval '{window}', 'utc')");
    let runs = format!(
        "select coalesce(json_agg(json_build_array(job_type, done, failed) order by job_type), '[]')::text from (
             select job_type, count(*) filter (where status = 'completed') as done,
                    count(*) filter (where status = 'failed') as failed
             from job_executions where completed_at >= {since} group by job_type) r"
    );
    let events = format!(
        "select json_build_array(
             count(*) filter (where state = 'CREATED'), count(*) filter (where state = 'DELIVERED'),
             count(*) filter (where state = 'ERROR'), count(*) filter (where state = 'FAILED'),
             count(*) filter (where state = 'CANCELED'))::text from events where at >= {since}"
    );
    let read = async |sql: &str| serde_json::from_str(database.query(sql, &[]).await[0].get(0)).expect("JSON");
    (read(&runs).await, read(&events).await)
}

/// Returns the same counts from the rollups.
async fn tallied(database: &Database, window: Window) -> (Value, Value) {
    let mut conn = database.connection().await.expect("a connection");
    let types = runs_by_type(&mut conn, window).await.expect("types");
    let series = run_series(&mut conn, window).await.expect("a series");
    let of_types: i64 = types.iter().map(|one| one.completed + one.failed).sum();
    assert_eq!(series.iter().map(|point| point.completed + point.failed).sum::<i64>(), of_types);
    let sum = sigpost_store::metrics::MessageCounts::sum(&message_series(&mut conn, window).await.expect("a series"));
    let runs = types.iter().map(|one| json!([one.job_type, one.completed, one.failed])).collect();
    (runs, json!([sum.accepted, sum.delivered, sum.errors, sum.failed, sum.canceled]))
}

#[tokio::test]
async fn rollups_equal_the_counts_of_the_rows() {
    let test_database = TestDatabase::new().await;
    history(&test_database).await;
    let database = Database::new(&test_database.url, 1).expect("a URL");
    // Rolls up day by day, then again over the last minutes, with runs that have ended since.
    for again in [false, true] {
        if again {
            test_database.execute("update rollup_progress set until = until - interval '20 minutes'").await;
        }
        catch_up(&mut database.connection().await.expect("a connection")).await.expect("rolled up");
        for (unit, window, hours) in
            [("minute", "30 minutes", 0.5), ("minute", "3 hours", 3.0), ("hour", "24 hours", 24.0)]
        {
            let tallied = tallied(&database, Window::new(Duration::from_secs_f64(hours * 3600.0))).await;
            assert_eq!(tallied, counted(&test_database, unit, window).await, "{window}, again: {again}");
        }
    }
    let live =
        test_database.count("select count(*) from job_executions, rollup_progress where completed_at >= until").await;
    assert!(live < 100, "{live} runs of 10000 are not rolled up");
}

#[tokio::test]
async fn run_committed_late_is_counted() {
    let database = TestDatabase::new().await;
    let end_one = "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at)
                   select gen_random_uuid(), 'msg_1', 'late', 1, 'completed', at, at
                   from (select until - interval '5 minutes' as at from rollup_progress) p";
    database.execute("update rollup_progress set until = date_trunc('minute', now() - interval '4 minutes')").await;
    let store = Database::new(&database.url, 1).expect("a URL");
    let roll_up = async || catch_up(&mut store.connection().await.expect("a connection")).await.expect("rolled up");
    roll_up().await;
    database.execute(end_one).await;
    database.execute("update rollup_progress set until = until - interval '3 minutes'").await;
    roll_up().await;
    let (runs, _) = tallied(&store, Window::new(Duration::from_secs(3600))).await;
    assert_eq!(runs, json!([["late", 1, 0]]));
}

#[tokio::test]
async fn metrics_read_runs_and_rollups_by_index() {
    let database = TestDatabase::new().await;
    history(&database).await;
    database.execute("select roll_up(); analyze job_executions; analyze events; analyze run_rollups").await;
    // Without parameter values, as the planner does: a prepared statement is planned once for all windows.
    database
        .execute("set plan_cache_mode = force_generic_plan; prepare tallies as select * from run_tallies($1, $2)")
        .await;
    let plan = database.query("explain execute tallies(now() - interval '1 hour', false)", &[]).await;
    let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
    for index in ["job_executions_completed_at", "run_rollups_pkey"] {
        assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:#?}");
    }
    for table in ["job_executions", "run_rollups"] {
        assert!(!plan.iter().any(|line| line.contains(&format!("Seq Scan on {table}"))), "{plan:#?}");
    }
}

#[tokio::test]
async fn metrics_are_grouped_by_type_and_time() {
    let admin = Admin::start().await;
    admin.runs(9, "email", "completed", "2 hours").await;
    admin.runs(1, "email", "failed", "2 hours").await;
    admin.runs(5, "report", "completed", "5 minutes").await;
    admin.insert_active_run("msg_1", "1 minute", "30 seconds").await;
    admin
        .database
        .execute(
            "insert into seeds.events (at, message_id, state)
             values (now() - interval '2 hours', gen_random_uuid(), 'CREATED'), (now(), gen_random_uuid(), 'DELIVERED')",
        )
        .await;
    let body = admin.get("/job-metrics").await.body;
    assert_eq!((&body["windowSeconds"], &body["stepSeconds"]), (&json!(86400), &json!(3600)));
    let expected = json!({ "accepted": 1, "delivered": 1, "errors": 0, "failed": 0, "canceled": 0 });
    assert_eq!(body["messages"], expected);
    assert_eq!(
        (&body["all"]["completed"], &body["all"]["failed"], &body["all"]["processing"]),
        (&json!(14), &json!(1), &json!(1))
    );
    let email = &body["byType"][0];
    assert_eq!((&email["type"], &email["completed"], &email["failed"]), (&json!("email"), &json!(9), &json!(1)));
    assert_eq!((&email["failureRate"], &email["averageMs"]), (&json!(0.1), &json!(1000.0)));
    assert_eq!((&body["byType"][1]["type"], &body["byType"][1]["p99Ms"]), (&json!("play"), &Value::Null));
    let sum = |list: &str, field: &str| {
        body[list].as_array().expect("a list").iter().map(|point| point[field].as_i64().expect("a count")).sum::<i64>()
    };
    assert_eq!((sum("runsOverTime", "completed"), sum("runsOverTime", "failed")), (14, 1));
    assert_eq!((sum("messagesOverTime", "accepted"), sum("messagesOverTime", "delivered")), (1, 1));
    assert!(body["runsOverTime"].as_array().expect("a list").len() >= 2, "{body}");

    let minutes = admin.get("/job-metrics?window=30m").await.body;
    assert_eq!((&minutes["stepSeconds"], &minutes["all"]["completed"]), (&json!(60), &json!(5)));
    let rejected = admin.get("/job-metrics?window=8d").await;
    assert_eq!(rejected.rejection(), (400, "window: must be 1m to 7d, got \"8d\""));
}

#[tokio::test]
async fn stats_count_open_messages_by_destination_and_queue() {
    let admin = Admin::start().await;
    admin.message("pending", "-200 seconds").await;
    admin.message("pending", "1 hour").await;
    admin.message("active", "20 seconds").await;
    admin
        .database
        .execute(
            "insert into gates (id, kind, name, parallelism) values ('queue:q', 'queue', 'q', 1);
             insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, gates, blocked_by, queue_name)
             values (gen_random_uuid(), 'pending', 'https://Example.com/a/b?c=d', 'POST', '{}', '', 3, '{}', now(),
                     '{queue:q}', 'queue:q', 'q');
             insert into seeds.events (message_id, state) values (gen_random_uuid(), 'FAILED')",
        )
        .await;
    let mut stats = admin.get("/stats").await.body;
    let oldest = stats["oldestDueSeconds"].take().as_f64().expect("a number");
    assert!((200.0..260.0).contains(&oldest), "{oldest}");
    stats["byDestination"][0]["oldestDueSeconds"].take();
    let expected = json!({
        "due": 1, "scheduled": 1, "waiting": 1, "active": 1, "oldestDueSeconds": null, "windowSeconds": 86400,
        "accepted": 4, "delivered": 0, "errors": 0, "failed": 1, "canceled": 0,
        "byDestination": [
            { "name": "127.0.0.1:1/", "due": 1, "scheduled": 1, "waiting": 0, "active": 1, "oldestDueSeconds": null },
            { "name": "example.com/a/b", "due": 0, "scheduled": 0, "waiting": 1, "active": 0, "oldestDueSeconds": null },
        ],
        "byQueue": [{ "name": "q", "due": 0, "scheduled": 0, "waiting": 1, "active": 0, "oldestDueSeconds": null }],
    });
    assert_eq!(stats, expected);
}
