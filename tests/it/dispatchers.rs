//! Several dispatchers on one database.

use std::collections::HashSet;
use std::time::Duration;

use dispatch::dispatcher::StepKind;
use futures_util::future::join_all;
use serde_json::json;
use sigpost_runtime::Memory;
use sigpost_store::Database;
use sigpost_store::processes::{Process, living};
use sigpost_store::wake::{Listener, Notification};

use crate::support::{Answer, TestApp, TestDatabase};

#[tokio::test]
async fn two_dispatchers_share_a_backlog_and_deliver_each_message_once() {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    let receiver = &publisher.receiver;
    join_all((0..300).map(|_| publisher.publish_here(&[], ""))).await;
    receiver.answers((0..200).map(|_| Answer::status(200).held()));

    let hundred = |config: &mut dispatch::Config| config.dispatcher.as_mut().expect("settings").max_in_flight = 100;
    let one = TestApp::start_on(&publisher.database, hundred).await;
    let other = TestApp::start_on(&publisher.database, hundred).await;
    // All but the reserve for other destinations, which is 3 of 100.
    let mut requests = receiver.next_many(194).await;
    assert!(receiver.all_so_far().await.is_empty());
    receiver.release(200);
    requests.extend(receiver.next_many(106).await);
    one.app.shutdown().await;
    other.app.shutdown().await;

    requests.extend(receiver.all_so_far().await);
    let ids: HashSet<_> = requests.iter().map(|request| request.header("upstash-message-id").to_owned()).collect();
    assert_eq!((requests.len(), ids.len()), (300, 300));
    let database = &publisher.database;
    assert_eq!(
        database.count("select count(*) from message_states where state = 'delivered' and deliveries = 1").await,
        300
    );
    assert_eq!(database.count("select count(*) from events where state = 'DELIVERED'").await, 300);
}

#[tokio::test]
async fn outcome_under_a_lost_lease_changes_nothing() {
    let slow = TestApp::start_with(|config| config.dispatcher.as_mut().expect("settings").max_in_flight = 1).await;
    slow.receiver.answers([Answer::status(500).held(), Answer::status(200)]);
    let id = slow.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    slow.receiver.next().await;

    // Expires the lease. The slow dispatcher has no capacity to claim its own message again.
    let other = TestApp::start_on(&slow.database, |_| {}).await;
    slow.database.execute("update pending_deliveries set lease_until = now(); notify sigpost").await;
    let again = slow.receiver.next().await;
    assert_eq!(again.header("upstash-retried"), "0", "a lost lease is no failed attempt");
    other.wait_for(id, StepKind::Delivered).await;

    slow.receiver.release(1);
    slow.wait_for(id, StepKind::LeaseLost).await;
    assert_eq!(slow.states(id).await, "CREATED ACTIVE ACTIVE DELIVERED");
    assert_eq!(slow.message(id).await["state"], "DELIVERED");
    assert_eq!(slow.get("/v2/dlq").await.body, json!({ "messages": [] }));
}

#[tokio::test]
async fn lease_is_renewed_during_the_attempt() {
    let short =
        |config: &mut dispatch::Config| config.dispatcher.as_mut().expect("settings").lease = Duration::from_secs(5);
    let pushing = TestApp::start_with(short).await;
    let other = TestApp::start_on(&pushing.database, short).await;
    pushing.receiver.answers([Answer::status(200).held()]);
    let id = pushing.publish_here(&[], "").await.id();
    pushing.receiver.next().await;

    // The other message is the clock: when it is delivered, the lease of 5 s would have expired.
    other.publish_here(&[("Upstash-Delay", "7s")], "").await;
    other.receiver.next().await;
    pushing.receiver.release(1);
    pushing.wait_for(id, StepKind::Delivered).await;
    assert_eq!(pushing.states(id).await, "CREATED ACTIVE DELIVERED");
}

#[tokio::test]
async fn message_fails_after_repeatedly_lost_leases() {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    let id = publisher.publish_here(&[], "").await.id();
    publisher.database.execute("update pending_deliveries set deliveries = 11").await;

    let app = TestApp::start_on(&publisher.database, |_| {}).await;
    app.wait_for(id, StepKind::Failed).await;
    assert!(publisher.receiver.all_so_far().await.is_empty());
    let error = app.event(id, "FAILED").await["error"].as_str().expect("an error").to_owned();
    assert!(error.starts_with("too many expired leases: "), "{error}");
    assert_eq!(app.get("/v2/dlq").await.body["messages"][0]["messageId"], json!(id));
}

#[tokio::test]
async fn running_process_reports_its_state() {
    let database = TestDatabase::new().await;
    database
        .execute(
            "create function tell() returns trigger language plpgsql as
                 'begin perform pg_notify(''sigpost'', ''schedules''); return null; end';
             create trigger tell after insert on processes execute function tell()",
        )
        .await;
    let store = Database::new(&database.url, 1).expect("a URL");
    let mut listener = Listener::connect(&store).await.expect("a listener");
    let app = TestApp::start_on(&database, |_| {}).await;
    while listener.next().await.expect("a notification") != Notification::SchedulesChanged {}

    let mut processes = living(&mut store.connection().await.expect("a connection")).await.expect("a response");
    let process = processes.pop().expect("a process");
    assert!(process.name.ends_with(&format!("/{}", std::process::id())), "{process:?}");
    assert_eq!(process.memory_share.is_some(), Memory::measure().is_some());
    assert_eq!(database.count("select count(*) from queue_samples").await, 1);
    app.app.shutdown().await;
    assert_eq!(database.count("select count(*) from processes").await, 0);
}

#[tokio::test]
async fn process_is_listed_until_its_report_expires() {
    let database = TestDatabase::new().await;
    database
        .execute(
            "insert into processes (id, name, seen_at, memory_bytes, memory_limit_bytes, deaf_since)
             select gen_random_uuid(), name, now() - ago, used, 200, now() - ago - disconnected
             from (values ('a/1', interval '1 minute', 200, null), ('a/1', '0', 50, null), ('b/1', '19 minutes', 100, interval '7 seconds'),
                          ('c/1', '21 minutes', 200, null), ('d/1', '0', null, null)) p (name, ago, used, disconnected)",
        )
        .await;
    let store = Database::new(&database.url, 1).expect("a URL");
    let found = living(&mut store.connection().await.expect("a connection")).await.expect("a response");
    let process =
        |name: &str, memory_share, disconnected_s| Process { name: name.into(), memory_share, disconnected_s };
    let expected = [process("a/1", Some(0.25), None), process("b/1", Some(0.5), Some(7.0)), process("d/1", None, None)];
    assert_eq!(found, expected);
}

/// As if a process were stopped during a claim: another one may have delivered the message since.
#[tokio::test]
async fn lease_expired_before_the_attempt_prevents_delivery() {
    let app = TestApp::start_with(|config| {
        config.dispatcher.as_mut().expect("it delivers").lease = Duration::from_secs(1);
    })
    .await;
    app.database
        .execute(
            "create sequence claims;
             create function take_long() returns trigger language plpgsql as $$
             begin
                 perform pg_sleep(1.2) where nextval('claims') = 1;
                 return new;
             end $$;
             create trigger take_long before update on pending_deliveries for each row
             when (new.lease_token is not null and old.lease_token is null) execute function take_long()",
        )
        .await;
    let id = app.publish_here(&[("Upstash-Delay", "1s")], "").await.id();
    app.wait_for(id, StepKind::Delivered).await;
    app.receiver.next().await;
    assert_eq!(app.states(id).await, "CREATED ACTIVE ACTIVE DELIVERED");
    assert!(app.receiver.all_so_far().await.is_empty());
}
