//! A cancellation concurrent with an admission: whichever commits first, no slot outlives its message.

use tokio_postgres::{Client, NoTls};

use super::{next_path, publish, start};
use crate::support::{PATIENCE, TestApp};

const QUEUE: &[(&str, &str)] = &[("Upstash-Queue-Name", "l")];
const KEY: &[(&str, &str)] = &[("Upstash-Flow-Control-Key", "l"), ("Upstash-Flow-Control-Value", "parallelism=1")];

/// Pauses the limit, publishes a message, and has another dispatcher admit it in an open transaction. Returns that
/// dispatcher's connection and the message's ID.
async fn admit_in_a_transaction(
    app: &TestApp,
    settings: &str,
    limit: &str,
    headers: &[(&str, &str)],
) -> (Client, String) {
    app.post(&format!("{settings}/pause")).await;
    let id = publish(app, "/cancelled", &[], headers).await;
    let (other, connection) = tokio_postgres::connect(&app.database.url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    other
        .batch_execute(&format!(
            "begin; update gates set paused = false; select count(*) from claim_blocked(array['{limit}'], gen_random_uuid(), 600, 10, 65536, 1000000)"
        ))
        .await
        .expect("admitted");
    (other, id.to_string())
}

/// Polls until a statement waits for a lock. Postgres sends no signal of that.
async fn until_blocked(app: &TestApp) {
    let blocked = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let waiting = async {
        while app.database.count(blocked).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("a cancellation waits");
}

async fn cancels(limit: &str, settings: &str, headers: &[(&str, &str)], delete: impl Fn(&str) -> String, waits: bool) {
    let app = start().await;
    // Creates the limit, so that it can be paused.
    publish(&app, "/created", &[], headers).await;
    next_path(&app).await;
    let (admitting, id) = admit_in_a_transaction(&app, settings, limit, headers).await;
    let path = delete(&id);
    let cancelling = app.delete(&path);
    let committing = async {
        if waits {
            until_blocked(&app).await;
        }
        admitting.batch_execute("commit").await.expect("committed");
    };
    let (cancelled, ()) = tokio::join!(cancelling, committing);
    assert_eq!(cancelled.body["cancelled"], 1, "{cancelled:?}");
    publish(&app, "/next", &[], headers).await;
    assert_eq!(next_path(&app).await, "/next");
}

#[tokio::test]
async fn cancelled_message_frees_its_queue() {
    cancels("queue:l", "/v2/queues/l", QUEUE, |id| format!("/v2/messages/{id}"), true).await;
}

#[tokio::test]
async fn cancelled_message_frees_its_key() {
    cancels("flow:l", "/v2/flowControl/l", KEY, |id| format!("/v2/messages/{id}"), true).await;
}

#[tokio::test]
async fn messages_cancelled_in_bulk_free_their_limits() {
    cancels("queue:l", "/v2/queues/l", QUEUE, |id| format!("/v2/messages?messageIds={id}"), false).await;
    cancels("flow:l", "/v2/flowControl/l", KEY, |id| format!("/v2/messages?messageIds={id}"), false).await;
}

/// Slots that an older release left behind do not block either.
#[tokio::test]
async fn slot_of_an_ended_message_does_not_count() {
    let app = start().await;
    for (limit, headers) in [("queue:l", QUEUE), ("flow:l", KEY)] {
        let id = publish(&app, "/ended", &[], headers).await;
        app.wait_for(id, dispatch::dispatcher::StepKind::Delivered).await;
        next_path(&app).await;
        let leak = format!(
            "insert into slots (gate, message_id, family) select '{limit}', id, id from messages where id = '{}'",
            id.0
        );
        app.database.execute(&leak).await;
        let next = publish(&app, "/next", &[], headers).await;
        assert_eq!(next_path(&app).await, "/next");
        app.wait_for(next, dispatch::dispatcher::StepKind::Delivered).await;
    }
    let key = app.get("/v2/flowControl/l").await;
    assert_eq!(key.body["parallelismCount"], 0, "{key:?}");
}

/// A claim locks rows that it does not claim: those that another claim has blocked since it started.
#[tokio::test]
async fn message_locked_by_another_transaction_starts_after_it() {
    let app = start().await;
    publish(&app, "/created", &[], QUEUE).await;
    next_path(&app).await;
    app.post("/v2/queues/l/pause").await;
    let id = publish(&app, "/locked", &[], QUEUE).await;
    let (other, connection) = tokio_postgres::connect(&app.database.url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let lock = format!("begin; select from pending_deliveries where id = '{}' for update", id.0);
    other.batch_execute(&lock).await.expect("locked");
    app.post("/v2/queues/l/resume").await;
    // Its wake-up follows that of the resumed queue.
    publish(&app, "/later", &[], &[("Upstash-Queue-Name", "other")]).await;
    assert_eq!(next_path(&app).await, "/later");
    other.batch_execute("commit").await.expect("unlocked");
    assert_eq!(next_path(&app).await, "/locked");
}
