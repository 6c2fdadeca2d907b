//! Postgres responds with errors: some are retried, some are rejected, and no message is lost.

use dispatch::config::Secret;
use dispatch::dispatcher::StepKind;
use dispatch::wait_for_database;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use sigpost_dev_postgres::DataDir;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant};

use crate::outage::start;
use crate::support::{Answer, Proxy, TestApp, TestDatabase, answered};

impl TestApp {
    /// Makes every row that a statement writes to the table fail with this SQLSTATE if the condition holds. The error
    /// text is not in English.
    async fn fail(&self, what: &str, table: &str, condition: &str, sqlstate: &str) {
        let sql = format!(
            "create sequence if not exists failures;
             create function fail() returns trigger language plpgsql as $$
             begin
                 if {condition} then
                     perform nextval('failures');
                     raise exception 'es ist ein Fehler aufgetreten' using errcode = '{sqlstate}';
                 end if;
                 return new;
             end $$;
             create trigger fail before {what} on {table} for each row execute function fail()"
        );
        self.database.execute(&sql).await;
    }

    async fn stop_failing(&self) {
        self.database.execute("drop function fail() cascade").await;
    }

    /// Waits until the process reports that it is not ready. A readiness result is cached for a second.
    pub(crate) async fn wait_until_unready(&self) {
        let since = Instant::now();
        while answered(self.anonymous(Method::GET, "/readyz")).await.status != StatusCode::SERVICE_UNAVAILABLE {
            assert!(since.elapsed() < Duration::from_secs(5), "the process is ready");
        }
    }

    /// Waits until this many statements have failed.
    async fn wait_for_failures(&self, count: i64) {
        let failures = "select case when is_called then last_value else 0 end from failures";
        while self.database.count(failures).await < count {}
    }
}

#[tokio::test]
async fn sqlstate_decides_the_response_to_a_publish() {
    let app = TestApp::start().await;
    for (sqlstate, expected) in [
        ("08006", StatusCode::SERVICE_UNAVAILABLE),
        ("25006", StatusCode::SERVICE_UNAVAILABLE),
        ("40001", StatusCode::SERVICE_UNAVAILABLE),
        ("40P01", StatusCode::SERVICE_UNAVAILABLE),
        ("53100", StatusCode::SERVICE_UNAVAILABLE),
        ("53300", StatusCode::SERVICE_UNAVAILABLE),
        ("55P03", StatusCode::SERVICE_UNAVAILABLE),
        ("57014", StatusCode::SERVICE_UNAVAILABLE),
        ("57P01", StatusCode::SERVICE_UNAVAILABLE),
        ("58030", StatusCode::SERVICE_UNAVAILABLE),
        ("22021", StatusCode::INTERNAL_SERVER_ERROR),
        ("23514", StatusCode::INTERNAL_SERVER_ERROR),
        ("42501", StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        app.fail("insert", "messages", "true", sqlstate).await;
        let request = app.request(Method::POST, &format!("/v2/publish/{}", app.receiver.url("/hook")));
        let response = request.send().await.expect("a response");
        assert_eq!(response.status(), expected, "{sqlstate}");
        assert_eq!(response.headers().contains_key("retry-after"), expected.as_u16() == 503, "{sqlstate}");
        assert!(!response.text().await.expect("a text").contains("Fehler"), "{sqlstate}");
        app.stop_failing().await;
        assert_eq!(app.publish_here(&[], "").await.status, StatusCode::OK, "{sqlstate}");
    }
}

#[tokio::test]
async fn rejected_data_fails_only_its_message_of_the_batch() {
    let app = TestApp::start().await;
    app.fail("insert", "messages", "new.url like '%/rejected'", "23514").await;
    let url = |path: &str| app.receiver.url(path);
    let batch = serde_json::json!([
        { "destination": url("/a") }, { "destination": url("/rejected") }, { "destination": url("/b") },
    ]);
    let response = answered(app.request(Method::POST, "/v2/batch").json(&batch)).await;
    let has_id = |n: usize| response.body[n]["messageId"].is_string();
    assert_eq!([has_id(0), has_id(1), has_id(2)], [true, false, true], "{response:?}");
}

#[tokio::test]
async fn unrecorded_outcome_is_retried_and_blocks_no_other() {
    for sqlstate in ["40001", "53100", "57014", "42501"] {
        let app = TestApp::start().await;
        let fails = "new.message_id in (select id from messages where url like '%/hook')";
        app.fail("insert", "attempts", fails, sqlstate).await;
        let callback = app.receiver.url("/callback");
        let first = app.publish_here(&[("Upstash-Callback", &callback)], "").await.id();
        assert_eq!(app.receiver.next().await.uri.path(), "/hook");
        app.wait_for_failures(5).await;
        if sqlstate != "53100" {
            let other = app.publish(&app.receiver.url("/other"), &[], "").await.id();
            app.wait_for(other, StepKind::Delivered).await;
            assert_eq!(app.receiver.next().await.uri.path(), "/other");
        }
        app.stop_failing().await;
        app.wait_for(first, StepKind::Delivered).await;
        assert_eq!(app.states(first).await, "CREATED ACTIVE DELIVERED", "{sqlstate}");
        let report = app.receiver.next().await;
        assert_eq!((report.uri.path(), &report.json()["status"]), ("/callback", &200.into()), "{sqlstate}");
        assert!(app.receiver.all_so_far().await.is_empty(), "{sqlstate}");
    }
}

#[tokio::test]
async fn rejected_response_is_recorded_by_status_and_reported_in_full() {
    let app = TestApp::start().await;
    let rejected = "new.response_header is not null";
    app.fail("insert", "attempts", rejected, "22021").await;
    let callback = app.receiver.url("/callback");
    app.receiver.answers([Answer::status(201).header("x-kind", "strange")]);
    let id = app.publish_here(&[("Upstash-Callback", &callback)], "").await.id();
    app.wait_for(id, StepKind::Delivered).await;
    let delivered = app.event(id, "DELIVERED").await;
    assert_eq!((&delivered["responseStatus"], delivered.get("responseHeaders")), (&201.into(), None), "{delivered}");
    let report = app.receiver.next_many(2).await.remove(1).json();
    assert_eq!((&report["status"], &report["header"]["X-Kind"][0]), (&201.into(), &"strange".into()), "{report}");
}

#[tokio::test]
async fn failing_schedule_stays_due_and_blocks_no_other() {
    for sqlstate in ["40001", "57014", "53100", "42501"] {
        let app = TestApp::start().await;
        let every_minute = [("Upstash-Cron", "* * * * *"), ("Upstash-Sigpost-Catch-Up", "all")];
        app.schedule_here("failing", &every_minute, "").await;
        app.schedule_here("other", &every_minute, "").await;
        app.fail("insert", "messages", "new.schedule_id = 'failing'", sqlstate).await;
        let due = "update schedules set next_fire_at = date_trunc('minute', now()) - interval '2 minutes' where id = 'failing';
                   update schedules set next_fire_at = date_trunc('minute', now()) where id = 'other'";
        app.database.execute(&format!("{due}; notify sigpost, 'schedules'")).await;
        app.wait_for_failures(2).await;
        app.stop_failing().await;
        app.wait_for_accepted(4).await;
        let firings = "select count(*) from messages where schedule_id = 'failing'";
        assert!(app.database.count(firings).await >= 3, "{sqlstate}");
        assert_eq!(app.database.count("select count(*) from schedules where error is not null").await, 0, "{sqlstate}");
    }
}

/// Also if that takes longer than a lease: the outcome is recorded before expired messages are claimed.
#[tokio::test]
async fn read_only_postgres_causes_no_duplicate_deliveries() {
    let server = start(DataDir::Temporary).await;
    let database = TestDatabase::on(&server).await;
    let lease = Duration::from_secs(2);
    let app =
        TestApp::start_on(&database, |config| config.dispatcher.as_mut().expect("it delivers").lease = lease).await;
    app.receiver.answers([Answer::status(200).held()]);
    let id = app.publish_here(&[], "").await.id();
    app.receiver.next().await;
    database.execute("alter system set default_transaction_read_only = on").await;
    database.execute("select pg_reload_conf()").await;
    while app.publish_here(&[], "").await.status != StatusCode::SERVICE_UNAVAILABLE {
        app.receiver.next().await;
    }
    app.receiver.release(1);
    app.wait_until_unready().await;
    assert_eq!(app.get("/v2/events").await.status, StatusCode::SERVICE_UNAVAILABLE);
    while database.count("select count(*) from pending_deliveries where lease_until < now()").await == 0 {}

    database.execute("set default_transaction_read_only = off").await;
    database.execute("alter system reset default_transaction_read_only").await;
    database.execute("select pg_reload_conf()").await;
    app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(app.states(id).await, "CREATED ACTIVE DELIVERED");
    assert_eq!(app.publish_here(&[], "").await.status, StatusCode::OK);
    app.receiver.next().await;
    assert!(app.receiver.all_so_far().await.is_empty());
}

#[tokio::test]
async fn terminated_connections_cause_no_publish_errors() {
    let app = TestApp::start().await;
    let answered = Semaphore::new(0);
    let publish = async || {
        for _ in 0..100 {
            assert_eq!(app.publish_here(&[], "").await.status, StatusCode::OK);
            answered.add_permits(1);
        }
    };
    let terminate = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                     where datname = current_database() and pid <> pg_backend_pid()";
    let terminating = async {
        loop {
            app.database.count(terminate).await;
            answered.acquire_many(8).await.expect("publishes go on").forget();
        }
    };
    tokio::select! {
        _ = join_all((0..4).map(|_| publish())) => {}
        () = terminating => {}
    }
}

#[tokio::test]
async fn statement_without_a_response_times_out_and_stores_once() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let app = TestApp::start_on(&database, |config| config.database_url = Secret(proxy.url(&database.url))).await;
    app.receiver.answers([Answer::status(200).held()]);
    let in_flight = app.publish_here(&[], "").await.id();
    app.receiver.next().await;

    proxy.forget();
    app.receiver.release(1);
    let asked = Instant::now();
    assert_eq!(app.publish_here(&[], "").await.status, StatusCode::OK);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    app.wait_for(in_flight, StepKind::Delivered).await;
    assert_eq!(app.states(in_flight).await, "CREATED ACTIVE DELIVERED");
    assert_eq!(database.count("select count(*) from messages").await, 2);
}

#[tokio::test]
async fn publish_to_a_frozen_database_gets_503_and_stores_nothing() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let app = TestApp::start_on(&database, |config| config.database_url = Secret(proxy.url(&database.url))).await;
    // The operating system accepts connections, and no program handles them.
    let frozen = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    proxy.forward_to(Some(frozen.local_addr().expect("an address").port()));
    let publish = async |headers: &[(&str, &str)]| {
        let asked = Instant::now();
        assert_eq!(app.publish_here(headers, "").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(asked.elapsed() < Duration::from_secs(5), "{headers:?}: {:?}", asked.elapsed());
    };
    let limited = [("Upstash-Flow-Control-Key", "key"), ("Upstash-Flow-Control-Value", "parallelism=1")];
    join_all((0..8).map(|number| publish(if number % 2 == 0 { &[] } else { &limited }))).await;
    proxy.forward_to(Some(database.port()));
    assert_eq!(app.publish_here(&[], "").await.status, StatusCode::OK);
    assert_eq!(database.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn server_waits_for_its_database_and_logs_it() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    proxy.forward_to(None);
    let mut listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let status = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.expect("a response").status();
    let url = proxy.url(&database.url);
    let waiting = wait_for_database(&mut listener, &url);
    let probing = async {
        assert_eq!(status("/healthz").await, StatusCode::OK);
        for path in ["/readyz", "/v2/publish/https://example.com"] {
            assert_eq!(status(path).await, StatusCode::SERVICE_UNAVAILABLE);
        }
        proxy.forward_to(Some(database.port()));
    };
    let (waited, ()) = tokio::join!(waiting, probing);
    waited.expect("the database is there");

    // A wrong password is not fatal, because it may be corrected in the database.
    let (before, after) = database.url.split_once('@').expect("a user");
    let (user, _) = before.rsplit_once(':').expect("a password");
    let wrong = format!("{user}:wrong@{after}");
    tokio::select! {
        waited = wait_for_database(&mut listener, &wrong) => panic!("{waited:?}"),
        ready = status("/readyz") => assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE),
    }
    let without_schema = TestDatabase::empty().await;
    let lacks = wait_for_database(&mut listener, &without_schema.url).await.expect_err("no schema").to_string();
    assert!(lacks.contains("run `sigpost migrate`"), "{lacks}");
}
