//! The typed client reads every response of the API and of the admin API.

use axum::http::StatusCode;
use dispatch::dispatcher::StepKind;
use sigpost_client::{
    AdminClient, Credentials, DeadLetterFilter, EventFilter, MessageFilter, NewMessage, NewSchedule, Pin,
};
use sigpost_health::Rules;
use sigpost_qstash::admin::Health;
use sigpost_qstash::{BatchItem, BatchSlot, Destination, Endpoint, EndpointRef, EventState, UpsertQueue};
use sigpost_store::Database;

use crate::admin::{TOKEN, with_token};
use crate::support::{Answer, TestApp, serve};

fn later() -> NewMessage {
    NewMessage { delay: Some("1h".into()), label: Some("mine".into()), body: "{}".into(), ..NewMessage::json() }
}

fn mine() -> MessageFilter {
    MessageFilter { labels: vec!["mine".into()], ..MessageFilter::default() }
}

#[tokio::test]
async fn client_publishes_finds_and_cancels_messages() {
    let app = TestApp::start().await;
    let (api, hook) = (app.api(), app.receiver.url("/hook"));
    let published = api.publish_message(&hook, &later()).await.expect("published");
    let id = published.messages()[0].message_id.to_string();
    let message = api.get_message(&id).await.expect("a message");
    assert_eq!(
        (message.url, message.labels, message.state),
        (hook.clone(), vec!["mine".into()], Some(EventState::Created))
    );
    assert_eq!(api.cancel_message(&id).await.expect("cancelled").cancelled, 1);
    let again = api.cancel_message(&id).await.expect_err("cancelled before");
    assert_eq!(again.status(), Some(StatusCode::NOT_FOUND));

    let item = BatchItem { destination: hook.clone(), ..BatchItem::default() };
    let slots = api.publish_batch(&[item, BatchItem::default()]).await.expect("a response");
    assert!(matches!(&slots[..], [BatchSlot::Published(_), BatchSlot::Rejected(_)]), "{slots:?}");

    let queued = api.enqueue_message("q", &hook, &later()).await.expect("enqueued");
    let id = queued.messages()[0].message_id.to_string();
    assert_eq!(api.retry_message(&id).await.expect("due").message_id.to_string(), id);
    api.publish_message(&hook, &later()).await.expect("published");
    // It may be delivered already.
    assert!(api.cancel_messages_by_id([id.as_str()]).await.expect("a response").cancelled <= 1);
    assert_eq!(api.cancel_messages(&mine()).await.expect("cancelled").cancelled, 1);

    let mut pages = api.list_events(&EventFilter { messages: mine(), ..EventFilter::default() }).count(1).pages();
    let mut states = Vec::new();
    while let Some(page) = pages.next().await.expect("a page") {
        states.extend(page.events.into_iter().map(|event| event.state));
    }
    assert!(states.contains(&EventState::Canceled) && states.contains(&EventState::Created), "{states:?}");
}

#[tokio::test]
async fn client_changes_resources_with_a_name() {
    let app = TestApp::start().await;
    let (api, hook) = (app.api(), app.receiver.url("/hook"));

    let settings = UpsertQueue { queue_name: "q".into(), parallelism: 3, paused: false };
    api.upsert_queue(&settings).await.expect("created");
    api.pause_queue("q").await.expect("paused");
    let queue = api.get_queue("q").await.expect("a queue");
    assert_eq!((queue.parallelism, queue.paused), (3, true));
    api.resume_queue("q").await.expect("resumed");
    assert_eq!(api.list_queues().count(1).pages().all().await.expect("queues").len(), 1);
    assert_eq!(api.delete_queue("q").await.expect("deleted").cancelled, 0);

    let pin = Pin { parallelism: Some(2), rate: Some(10), period: Some("1m".into()) };
    api.pin_flow_control_key("eu/k", &pin).await.expect("pinned");
    api.pause_flow_control_key("eu/k").await.expect("paused");
    let key = api.get_flow_control_key("eu/k").await.expect("a key");
    assert_eq!((key.parallelism_max, key.rate_max, key.rate_period, key.is_paused), (2, 10, 60, true));
    api.resume_flow_control_key("eu/k").await.expect("resumed");
    api.unpin_flow_control_key("eu/k", true, true).await.expect("unpinned");
    api.reset_flow_control_rate("eu/k").await.expect("reset");
    assert_eq!(api.list_flow_control_keys(Some("eu")).await.expect("keys").len(), 1);
    assert_eq!(api.get_global_parallelism().await.expect("numbers").parallelism_count, 0);

    let endpoint = Endpoint { name: Some("e".into()), url: Destination::parse(&hook).expect("a URL") };
    api.add_endpoints("g", [endpoint.clone()]).await.expect("added");
    api.set_url_group_defaults("g", &Default::default()).await.expect("set");
    assert_eq!(api.get_url_group("g").await.expect("a group").endpoints, [endpoint]);
    assert_eq!(api.list_url_groups().await.expect("groups").len(), 1);
    assert_eq!(api.publish_message("g", &later()).await.expect("published").messages().len(), 1);
    api.remove_endpoints("g", [EndpointRef::Name("e".into())]).await.expect("removed");
    api.delete_url_group("g").await.expect("deleted");

    let schedule =
        NewSchedule { cron: "0 3 * * *".into(), id: Some("s".into()), message: later(), ..NewSchedule::default() };
    assert_eq!(api.create_schedule(&hook, &schedule).await.expect("created").schedule_id, "s");
    api.pause_schedule("s").await.expect("paused");
    let stored = api.get_schedule("s").await.expect("a schedule");
    assert_eq!((stored.cron.as_str(), stored.is_paused, stored.destination), ("0 3 * * *", true, hook));
    api.resume_schedule("s").await.expect("resumed");
    assert_eq!(api.run_schedule("s").await.expect("run").message_ids.len(), 1);
    assert_eq!(api.list_schedules().await.expect("schedules").len(), 1);
    api.delete_schedule("s").await.expect("deleted");

    let keys = api.get_keys().await.expect("keys");
    assert_eq!(api.rotate_keys().await.expect("keys").current, keys.next);
    assert_eq!(api.get_liveness().await.expect("alive").status, "ok");
    assert_eq!(api.get_readiness().await.expect("ready").status, "ready");
}

#[tokio::test]
async fn client_retries_and_deletes_dead_letters() {
    let app = TestApp::start().await;
    let api = app.api();
    app.receiver.otherwise(Answer::status(500).header("X-Reason", "full").body(b"\xff".as_slice()));
    let fails = NewMessage { retries: Some(0), body: b"\xfe".as_slice().into(), ..NewMessage::default() };
    for _ in 0..4 {
        let published = api.publish_message(&app.receiver.url("/hook"), &fails).await.expect("published");
        app.wait_for(published.messages()[0].message_id, StepKind::Failed).await;
    }
    let all = DeadLetterFilter { response_statuses: vec![500], earliest_first: true, ..DeadLetterFilter::default() };
    let letters = api.list_dead_letters(&all).await.expect("a page").messages;
    let ids: Vec<String> = letters.iter().map(|letter| letter.dlq_id.to_string()).collect();
    assert_eq!(
        (ids.len(), &letters[0].response_body.0[..], &letters[0].message.body.0[..]),
        (4, &b"\xff"[..], &b"\xfe"[..])
    );
    let letter = api.get_dead_letter(&ids[0]).await.expect("a dead letter");
    assert_eq!(letter.response_header.get("x-reason"), Some("full"));

    app.receiver.otherwise(Answer::status(200));
    api.retry_dead_letter(&ids[0]).await.expect("retried");
    assert_eq!(api.delete_dead_letter(&ids[1]).await.expect("deleted").deleted, 1);
    let retried = api.retry_dead_letters(&all).count(1).await.expect("retried");
    assert_eq!((retried.responses.len(), retried.cursor.is_some()), (1, true));
    assert_eq!(api.delete_dead_letters(&all).await.expect("deleted").deleted, 1);
    let none = api.retry_dead_letters_by_id([ids[0].as_str()]).await.expect_err("retried before");
    assert_eq!(none.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(api.delete_dead_letters_by_id([ids[0].as_str()]).await.expect("a response").deleted, 0);
}

#[tokio::test]
async fn client_reads_the_admin_api() {
    let app = TestApp::start().await;
    app.api().enqueue_message("q", &app.receiver.url("/hook"), &later()).await.expect("enqueued");
    let every_day = NewSchedule { cron: "0 3 * * *".into(), ..NewSchedule::default() };
    app.api().create_schedule(&app.receiver.url("/hook"), &every_day).await.expect("created");
    let sql = "insert into job_executions (id, message_id, job_type, attempt, status, started_at, lease_until, created_at)
               values (gen_random_uuid(), 'msg_1', 'send-email', 1, 'processing', now(), now() + interval '1 minute', now())";
    app.database.execute(sql).await;
    let database = Database::new(&app.database.url, 2).expect("a URL");
    let url = serve(admin::router(database, with_token(), Rules::default())).await;
    let api = AdminClient::new(&url, Credentials::Token(TOKEN.into())).expect("a client");

    let health = api.get_job_health(Some("1h")).await.expect("a report");
    assert_eq!((health.report.health, health.report.queue.scheduled, health.alerts.len()), (Health::Healthy, 1, 0));
    let metrics = api.get_job_metrics(None).await.expect("metrics");
    assert_eq!((metrics.by_type[0].job_type.as_str(), metrics.all.processing), ("send-email", 1));
    assert_eq!(api.get_queue_depth(Some("3h")).await.expect("numbers").window_seconds, 10_800);
    let stats = api.get_stats(None).await.expect("numbers");
    assert_eq!((stats.open.scheduled, stats.by_destination.len(), stats.by_queue[0].name.as_str()), (1, 1, "q"));
    assert_eq!(api.list_active_runs().await.expect("runs").runs[0].job_type, "send-email");
    assert_eq!(api.list_dead_letter_groups().await.expect("groups").groups, []);
    assert_eq!(api.list_schedule_states().await.expect("schedules").schedules[0].cron, "0 3 * * *");
    assert_eq!(api.list_gate_states().await.expect("gates").gates[0].name, "q");
    assert!(api.get_key_states().await.expect("keys").keys.is_some_and(|keys| keys.age_s >= 0.0));
}
