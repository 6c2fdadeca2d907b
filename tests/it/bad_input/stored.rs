//! One row of each kind, and the contents of all tables.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{TestApp, answered};

/// Starts a function that delivers nothing, with a queue `q`, a group `g`, a schedule `s`, a flow-control key `k`, a
/// pending message and a dead letter.
pub(super) async fn start_with_one_of_each() -> TestApp {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let endpoints = json!({ "endpoints": [{ "url": "https://example.com", "name": "n" }] });
    let schedule = app.request(Method::POST, "/v2/schedules/https://example.com");
    for request in [
        app.request(Method::POST, "/v2/queues").json(&json!({ "queueName": "q" })),
        app.request(Method::POST, "/v2/topics/g/endpoints").json(&endpoints),
        schedule.header("Upstash-Schedule-Id", "s").header("Upstash-Cron", "1 1 1 1 *"),
        app.request(Method::POST, "/v2/flowControl/k/pin?rate=1"),
    ] {
        let answer = answered(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    app.publish_here(&[("Upstash-Label", "waiting"), ("Upstash-Delay", "1h")], "").await.id();
    app.publish_here(&[("Upstash-Label", "dead")], "").await.id();
    app.database
        .execute(
            "with ended as (delete from pending_deliveries p using messages m where m.id = p.id and labels = '{dead}' returning p.id)
             insert into attempts (message_id, number, retried, outcome) select id, 1, 0, 'failed' from ended;
             insert into dead_letters (message_id, response_status) select id, 500 from messages where labels = '{dead}'",
        )
        .await;
    app
}

/// Returns the rows of every table as text, to detect any change.
pub(super) async fn everything(app: &TestApp) -> String {
    let names = "select quote_ident(tablename) from pg_tables where schemaname = 'public' order by 1";
    let tables: Vec<String> = app.database.query(names, &[]).await.iter().map(|row| row.get(0)).collect();
    assert!(tables.len() > 10, "the tables are found");
    let rows = tables.iter().map(|table| format!("(select string_agg(t::text, ' ' order by t::text) from {table} t)"));
    let sql = format!("select concat_ws(' | ', {})", rows.collect::<Vec<_>>().join(", "));
    app.database.query(&sql, &[]).await[0].get(0)
}
