//! Several processes fire due schedules without a leader: each firing is published once.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::YEARLY;
use crate::support::TestApp;

/// More than one batch.
const SCHEDULES: usize = 600;

#[tokio::test]
async fn four_processes_publish_each_firing_of_many_schedules_once() {
    let creator = TestApp::start_with(|config| config.dispatcher = None).await;
    creator.schedule_here("s", &[YEARLY], "s").await;
    creator.copy_schedule("s", SCHEDULES - 1).await;
    let apps = join_all((0..4).map(|_| TestApp::start_on(&creator.database, |_| {}))).await;

    for round in 1..=3 {
        creator.make_all_due().await;
        let requests = creator.receiver.next_many(SCHEDULES).await;
        let bodies: HashSet<_> = requests.iter().map(|request| request.body.clone()).collect();
        assert_eq!(bodies.len(), SCHEDULES);
        assert_eq!(creator.database.count("select count(*) from messages").await as usize, round * SCHEDULES);
    }
    for app in &apps {
        app.app.shutdown().await;
    }
    assert!(creator.receiver.all_so_far().await.is_empty());
    let fired_here: Vec<usize> = apps.iter().map(TestApp::accepted_so_far).collect();
    assert!(fired_here.iter().filter(|count| **count > 0).count() > 1, "{fired_here:?}");
}

#[tokio::test]
async fn firing_blocked_by_a_transaction_blocks_no_other() {
    let app = TestApp::start().await;
    // All firings share its key, which another transaction holds.
    app.schedule_here("waiting", &[YEARLY, ("Upstash-Deduplication-Id", "key")], "waiting").await;
    app.schedule_here("other", &[YEARLY], "other").await;
    let (mut elsewhere, connection) =
        tokio_postgres::connect(&app.database.url, tokio_postgres::NoTls).await.expect("open");
    tokio::spawn(connection);
    let transaction = elsewhere.transaction().await.expect("begun");
    let take = "insert into deduplications (key, message_id, expires_at) values ('id:key', gen_random_uuid(), now())";
    transaction.execute(take, &[]).await.expect("taken");

    app.make_due("waiting", "now() - interval '1 s'").await;
    app.make_due("other", "now()").await;
    assert_eq!(app.receiver.next().await.body, "other");
    transaction.rollback().await.expect("rolled back");
    assert_eq!(app.receiver.next().await.body, "waiting");

    // Within its window the next firing is a duplicate of this one.
    let first = app.read_schedule("waiting").await;
    app.make_due("waiting", "now() - interval '1 s'").await;
    app.make_due("other", "now()").await;
    assert_eq!(app.receiver.next().await.body, "other");
    let second = app.read_schedule("waiting").await;
    assert_ne!(first["lastScheduleTime"], second["lastScheduleTime"]);
    let ids = |schedule: &serde_json::Value| -> Vec<String> {
        schedule["lastScheduleStates"].as_object().expect("states").keys().cloned().collect()
    };
    assert_eq!(ids(&first), ids(&second));
}

#[tokio::test]
async fn firing_of_a_crashed_process_is_published_by_another() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    app.schedule_here("s", &[YEARLY], "once").await;
    // The connection is closed after the message is stored and before the schedule advances.
    app.database
        .execute(
            "create sequence firings;
             create function die() returns trigger language plpgsql as $$ begin
                 if nextval('firings') = 1 then
                     perform pg_terminate_backend(pg_backend_pid());
                 end if;
                 return new;
             end $$;
             update schedules set next_fire_at = now();
             create trigger dies before update on schedules for each row execute function die()",
        )
        .await;
    let dispatchers = join_all((0..2).map(|_| TestApp::start_on(&app.database, |_| {}))).await;
    assert_eq!(app.receiver.next().await.body, "once");
    for dispatcher in &dispatchers {
        dispatcher.app.shutdown().await;
    }
    assert!(app.receiver.all_so_far().await.is_empty());
    assert_eq!(app.database.count("select last_value from firings").await, 2);
    assert_eq!(app.database.count("select count(*) from messages").await, 1);
    assert_eq!(app.database.count("select count(*) from events where state = 'CREATED'").await, 1);
}
