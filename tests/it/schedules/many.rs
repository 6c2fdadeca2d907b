//! Schedules that are due together fire in batches.

use reqwest::Method;
use serde_json::json;

use super::YEARLY;
use crate::support::{TestApp, answered};

impl TestApp {
    /// Copies a schedule this many times. The body of each copy is its ID.
    pub(super) async fn copy_schedule(&self, id: &str, copies: usize) {
        let sql = format!(
            "insert into schedules (id, cron, destination, parameters, body, catch_up)
             select id || '-' || n, cron, destination, parameters, convert_to(id || '-' || n, 'UTF8'), catch_up
             from schedules, generate_series(1, {copies}) n where id = '{id}'"
        );
        self.database.execute(&sql).await;
    }

    /// Makes all schedules due.
    pub(super) async fn make_all_due(&self) {
        self.database.execute("update schedules set next_fire_at = now(); notify sigpost, 'schedules'").await;
    }

    /// Returns the number of transactions that stored the messages.
    async fn transactions(&self) -> i64 {
        self.database.count("select count(distinct created_at) from messages").await
    }
}

#[tokio::test]
async fn schedule_that_postgres_rejects_is_excluded_from_its_batch() {
    let app = TestApp::start().await;
    app.schedule_here("s", &[YEARLY, ("Upstash-Delay", "1h")], "").await;
    app.copy_schedule("s", 299).await;
    app.database.execute("alter table messages add constraint no_such_body check (body not in ('s-7', 's-177'))").await;
    app.make_all_due().await;
    app.wait_for_accepted(298).await;

    assert_eq!(app.database.count("select count(distinct schedule_id) from messages").await, 298);
    assert_eq!(app.transactions().await, 2, "256 schedules, and the others");
    for faulty in ["s-7", "s-177"] {
        assert_eq!(app.read_schedule(faulty).await["error"], "internal error, see the log of the server");
    }
    let advanced = "select count(*) from schedules where next_fire_at > now() and last_fire_at is not null
                    and cardinality(last_message_ids) = (error is null)::int";
    assert_eq!(app.database.count(advanced).await, 300);
}

#[tokio::test]
async fn batch_is_bounded_in_messages_and_bytes() {
    let app = TestApp::start().await;
    let endpoints: Vec<_> = (0..100).map(|n| json!({ "url": app.receiver.url(&format!("/{n}")) })).collect();
    let edit = app.request(Method::POST, "/v2/topics/group/endpoints").json(&json!({ "endpoints": endpoints }));
    assert!(answered(edit).await.status.is_success());
    let headers = [YEARLY, ("Upstash-Delay", "1h"), ("Upstash-Schedule-Id", "s")];
    app.schedule("group", &headers, "").await;
    app.copy_schedule("s", 4).await;
    app.make_all_due().await;
    app.wait_for_accepted(500).await;
    assert_eq!(app.database.count("select count(distinct (schedule_id, url)) from messages").await, 500);
    assert_eq!(app.transactions().await, 3, "two groups of 100 messages in each");

    app.database.execute("delete from schedules").await;
    for id in ["a", "b", "c"] {
        app.schedule_here(id, &[YEARLY, ("Upstash-Delay", "1h")], &"x".repeat(3_000_000)).await;
    }
    app.make_all_due().await;
    app.wait_for_accepted(503).await;
    assert_eq!(app.transactions().await, 6, "one body of 3 MB in each");
}
