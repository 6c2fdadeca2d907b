//! A run that is stopped during a statement cancels the statement and releases the connection.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use diesel::QueryResult;
use diesel::dsl::sql;
use diesel::sql_types::Integer;
use diesel_async::SimpleAsyncConnection;
use futures_util::poll;
use serde_json::json;
use sigpost_jobs::{JobContext, Outcome};
use sigpost_store::{AsyncPgConnection, Database};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::actor::Play;
use super::deployment::answer_later;
use super::improvised::running;
use super::lease::{advance_past_stop_notice, advance_to_heartbeat};
use crate::support::TestDatabase;

/// Much less than the duration of the statement.
const AT_ONCE: Duration = Duration::from_secs(10);

/// The statement is sent when this future has been polled once.
async fn run_long_statement(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    conn.batch_execute("select pg_advisory_lock(7), pg_sleep(60)").await
}

/// Waits until no long statement runs.
async fn wait_until_statement_ends(database: &TestDatabase) {
    timeout(AT_ONCE, database.execute("select pg_advisory_lock(7)")).await.expect("the statement ends");
}

#[tokio::test]
async fn abandoned_statement_does_not_block_the_pool() {
    let test = TestDatabase::new().await;
    let database = Database::new(&test.url, 1).expect("a URL");
    database.ping().await.expect("a response");
    {
        let mut conn = database.connection().await.expect("a connection");
        assert!(poll!(pin!(run_long_statement(&mut conn))).is_pending());
    }
    timeout(AT_ONCE, database.ping()).await.expect("in time").expect("a response");
    wait_until_statement_ends(&test).await;
}

#[tokio::test]
async fn idle_connection_is_reused() {
    let test = TestDatabase::new().await;
    let database = Database::new(&test.url, 1).expect("a URL");
    let mut servers = BTreeSet::new();
    for _ in 0..3 {
        let mut conn = database.connection().await.expect("a connection");
        let server = diesel::select(sql::<Integer>("pg_backend_pid()"));
        servers.insert(diesel_async::RunQueryDsl::get_result::<i32>(server, &mut *conn).await.expect("a number"));
        assert!(conn.batch_execute("select 1 / 0").await.is_err());
        conn.batch_execute("begin; commit").await.expect("a response");
    }
    assert_eq!(servers.len(), 1, "{servers:?}");
}

#[tokio::test]
async fn stopped_run_cancels_its_statement() {
    let (asked_sender, mut asked) = mpsc::unbounded_channel();
    let deployment = running(move |_, ctx: JobContext| {
        let asked = asked_sender.clone();
        async move {
            let mut conn = ctx.database.connection().await?;
            let mut statement = pin!(run_long_statement(&mut conn));
            assert!(poll!(statement.as_mut()).is_pending());
            let _ = asked.send(());
            statement.await?;
            Ok(Outcome::done())
        }
    })
    .await;
    let id = deployment.publish::<Play>(&[("Upstash-Delay", "1h")], &json!({ "scenes": [1] })).await;
    let run = answer_later(deployment.delivery(id, r#"{"scenes":[1]}"#));
    asked.recv().await.expect("asked");
    deployment.app.delete(&format!("/v2/messages/{id}")).await;
    advance_to_heartbeat().await;
    advance_past_stop_notice().await;
    assert_eq!(timeout(AT_ONCE, run).await.expect("in time").expect("joined").status, 489);
    wait_until_statement_ends(&deployment.app.database).await;
}
