//! Several processes fire what is due, without a leader: each firing is published once.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::YEARLY;
use crate::support::TestApp;

const SCHEDULES: usize = 200;

#[tokio::test]
async fn four_processes_publish_each_firing_of_many_schedules_once() {
    let creator = TestApp::start_with(|config| config.engine = None).await;
    let ids: Vec<String> = (0..SCHEDULES).map(|number| format!("s{number}")).collect();
    join_all(ids.iter().map(|id| creator.schedule_here(id, &[YEARLY], id))).await;
    let apps = join_all((0..4).map(|_| TestApp::start_on(&creator.database, |_| {}))).await;

    for round in 1..=3 {
        creator.database.execute("update schedules set next_fire_at = now(); notify sigpost, 'schedules'").await;
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
async fn a_process_that_dies_while_it_fires_has_published_nothing_and_another_does() {
    let app = TestApp::start_with(|config| config.engine = None).await;
    app.schedule_here("s", &[YEARLY], "once").await;
    // The connection is cut when the message is stored and the schedule is about to move on.
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
