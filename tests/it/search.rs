//! Searches among many rows use indexes.

use reqwest::StatusCode;

use self::plans::{Plans, tables};
use crate::support::TestApp;

mod plans;

const TABLES: [&str; 4] = ["messages", "attempts", "pending_deliveries", "dead_letters"];

/// Returns the number of rows read so far: by sequential scans, and in total.
async fn rows_read(app: &TestApp) -> (i64, i64) {
    // A connection reports its statistics when it ends.
    app.database
        .query(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'",
            &[],
        )
        .await;
    app.database.execute("select pg_stat_force_next_flush(); select pg_stat_clear_snapshot()").await;
    let of_tables = "from pg_stat_user_tables where relname ~ '^(messages|attempts|pending_deliveries|dead_letters)'";
    let sequentially = app.database.count(&format!("select sum(seq_tup_read)::bigint {of_tables}")).await;
    let by_index = app.database.count(&format!("select sum(coalesce(idx_tup_fetch, 0))::bigint {of_tables}")).await;
    (sequentially, sequentially + by_index)
}

/// Asserts that no plan since the last call reads a whole table.
async fn assert_planned_by_index(plans: &mut Plans<'_>, what: &str) {
    let is_large = |table: &&str| TABLES.iter().any(|name| table.starts_with(name));
    let new = plans.read().await;
    let read: Vec<_> = new.iter().flat_map(|plan| tables(plan, &|_| true)).filter(is_large).collect();
    assert!(!read.is_empty(), "no plans of {what} in the log");
    for plan in new {
        let sequentially = tables(&plan, &|node| node == "Seq Scan").into_iter().find(is_large);
        assert_eq!(sequentially, None, "{what}: {plan:#}");
    }
}

#[tokio::test]
async fn no_filter_scans_a_whole_table() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let headers = [("Upstash-Queue-Name", "some"), ("Upstash-Flow-Control-Key", "some")];
    let headers = [&headers[..], &[("Upstash-Flow-Control-Value", "parallelism=1"), ("Upstash-Delay", "1h")]].concat();
    let id = app.publish("http://127.0.0.1/some?a=1", &headers, "").await.id();
    app.database.execute(include_str!("search/days.sql")).await;
    app.database.execute(include_str!("search/differing.sql")).await;
    for table in TABLES {
        app.database.execute(&format!("vacuum analyze {table}")).await;
    }

    let some = [
        "url=http://127.0.0.1/some%3Fa=1",
        "host=127.0.0.1",
        "path=/some",
        "callerIp=127.0.0.1",
        "label=some",
        "topicName=some",
        "scheduleId=some",
        "queueName=some",
        "flowControlKey=some",
    ];
    let everywhere = ["count=10", "toDate=1", "fromDate=8640000000000000"];
    let mut calls: Vec<String> = Vec::new();
    for filter in some {
        let none = filter.replace("some", "none").replace("127.0.0.1", "127.0.0.2");
        for filter in [filter, &none] {
            calls.push(format!("/v2/events?{filter}"));
            if !filter.starts_with("host") && !filter.starts_with("path") {
                calls.push(format!("/v2/dlq?{filter}"));
            }
        }
    }
    for list in ["events", "dlq"] {
        calls.push(format!("/v2/{list}?messageId={id}"));
    }
    calls.push("/v2/dlq?dlqIds=1-1".to_owned());
    for filter in everywhere.iter().chain(&["state=RETRY", "state=DELIVERED&count=10"]) {
        calls.push(format!("/v2/events?{filter}"));
    }
    for filter in everywhere.iter().chain(&["responseStatus=418", "responseStatus=200", "responseStatus=500&count=10"])
    {
        calls.push(format!("/v2/dlq?{filter}"));
    }

    let mut plans = Plans::log(&app.database).await;
    for path in &calls {
        let before = rows_read(&app).await;
        let answer = app.get(path).await;
        assert_planned_by_index(&mut plans, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        if path.contains("=some") {
            let rows = answer.body["events"].as_array().or(answer.body["messages"].as_array()).expect("rows");
            assert!(rows.len() >= 10, "{path} finds {}", rows.len());
        }
        let after = rows_read(&app).await;
        assert!(after.1 > before.1 || !path.contains("=some"), "no rows of {path} were counted");
        assert_eq!(after.0, before.0, "{path} reads sequentially");
        // Rows of an ordered scan plus rows of an index lookup, out of 100,000.
        assert!(after.1 - before.1 < 20_000, "{path} reads {} rows", after.1 - before.1);
    }
    for filter in some {
        let before = rows_read(&app).await;
        assert_eq!(app.delete(&format!("/v2/messages?{filter}&toDate=1")).await.status, StatusCode::OK);
        assert_planned_by_index(&mut plans, &format!("cancelling by {filter}")).await;
        let after = rows_read(&app).await;
        assert_eq!(after.0, before.0, "cancelling by {filter} reads sequentially");
        assert!(after.1 - before.1 < 20_000, "cancelling by {filter} reads {} rows", after.1 - before.1);
    }
}

#[tokio::test]
async fn formerly_common_values_are_found_by_index() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    app.publish("http://127.0.0.1/old?a=1", &[("Upstash-Label", "old"), ("Upstash-Delay", "1h")], "").await;
    app.database.execute(include_str!("search/days.sql")).await;
    app.database.execute(include_str!("search/old.sql")).await;
    // Statistics of all rows instead of a sample, so that plans are the same in every run.
    app.database.execute("set default_statistics_target = 1000").await;
    for table in TABLES {
        app.database.execute(&format!("vacuum analyze {table}")).await;
    }

    for filter in ["label=old", "url=http://127.0.0.1/old%3Fa=1", "host=127.0.0.1", "path=/old"] {
        let before = rows_read(&app).await;
        let answer = app.get(&format!("/v2/events?count=100&{filter}")).await;
        let after = rows_read(&app).await;
        let newest: Vec<_> = answer.body["events"].as_array().expect("rows").iter().map(|row| &row["time"]).collect();
        assert_eq!(newest.len(), 100, "{filter}");
        let times = app.database.query(
            "select floor(extract(epoch from e.at) * 1000)::bigint from events e join messages m on m.id = e.message_id
             where m.labels = '{old}' order by e.at desc, e.step desc, e.message_id desc limit 100", &[]).await;
        assert_eq!(newest, times.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>(), "{filter}");
        assert!(after.1 - before.1 < 50_000, "{filter} reads {} rows", after.1 - before.1);
    }

    for filter in ["label=old", "url=http://127.0.0.1/old%3Fa=1"] {
        let before = rows_read(&app).await;
        let answer = app.get(&format!("/v2/dlq?{filter}")).await;
        let after = rows_read(&app).await;
        let rows = answer.body["messages"].as_array().expect("rows");
        let newest: Vec<_> = rows.iter().map(|row| row["dlqId"].as_str().expect("an id").to_owned()).collect();
        let ids = app
            .database
            .query(
                "select floor(extract(epoch from d.failed_at) * 1000)::bigint || '-' || d.id
             from dead_letters d join messages m on m.id = d.message_id
             where m.labels = '{old}' order by d.failed_at desc, d.id desc limit 100",
                &[],
            )
            .await;
        assert_eq!(newest, ids.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), "{filter}");
        assert!(after.1 - before.1 < 50_000, "dead letters of {filter} read {} rows", after.1 - before.1);
    }
    // All of them have ended; 40,000 others are open.
    for filter in ["label=old", "url=http://127.0.0.1/old%3Fa=1", "host=127.0.0.1", "path=/old"] {
        let before = rows_read(&app).await;
        assert_eq!(app.delete(&format!("/v2/messages?{filter}&count=100")).await.body["cancelled"], 0);
        let after = rows_read(&app).await;
        assert!(after.1 - before.1 < 36_000, "cancelling by {filter} reads {} rows", after.1 - before.1);
    }
}
