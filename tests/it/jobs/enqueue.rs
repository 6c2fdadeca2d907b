//! Enqueuing over HTTP, and in the caller's transaction.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use diesel::sql_query;
use diesel_async::{AsyncConnection, RunQueryDsl};
use dispatch::dispatcher::StepKind;
use serde_json::json;
use sigpost_jobs::{Client, EnqueueError, EnqueueOptions, Enqueued, Handlers, enqueue, enqueue_in, enqueue_many_in};
use sigpost_qstash::{DEV_TOKEN, MessageId};
use sigpost_store::{AsyncPgConnection, Database};

use super::actor::Play;
use super::deployment::Deployment;
use crate::support::Proxy;

fn play() -> Play {
    Play { scenes: vec![1, 2, 3] }
}

fn id(enqueued: &Enqueued) -> MessageId {
    enqueued.message_id.parse().expect("an ID of sigpost")
}

#[tokio::test]
async fn job_enqueued_over_http_runs_for_its_user() {
    let (deployment, mut stage) = Deployment::acting().await;
    let client = Client::new(&deployment.app.url, DEV_TOKEN, deployment.handlers()).expect("a URL");
    let options = EnqueueOptions {
        user_id: Some("user_7".into()),
        organization_id: Some("org_9".into()),
        retries: Some(1),
        ..EnqueueOptions::default()
    };
    let enqueued = enqueue(&client, &play(), options).await.expect("accepted");
    assert!(!enqueued.deduplicated);
    let ctx = stage.started().await;
    assert_eq!((ctx.user_id.as_deref(), ctx.organization_id.as_deref()), (Some("user_7"), Some("org_9")));
    deployment.app.wait_for(id(&enqueued), StepKind::Delivered).await;
    assert_eq!(deployment.runs(id(&enqueued)).await[0]["result"], json!({ "scenes": 3 }));
    // The job's own timeout of 30 s, plus the time for the response.
    let message = deployment.app.message(id(&enqueued)).await;
    assert_eq!((&message["maxRetries"], &message["timeout"]), (&json!(1), &json!(35_000)));
}

#[tokio::test]
async fn second_job_with_the_same_deduplication_id_is_the_first() {
    let (deployment, stage) = Deployment::acting().await;
    let client = Client::new(&deployment.app.url, DEV_TOKEN, deployment.handlers()).expect("a URL");
    let options = EnqueueOptions { deduplication_id: Some("order-1".into()), ..EnqueueOptions::default() };
    let first = enqueue(&client, &play(), options.clone()).await.expect("accepted");
    let second = enqueue(&client, &play(), options.clone()).await.expect("accepted");
    assert_eq!((first.deduplicated, second.deduplicated), (false, true));
    assert_eq!(first.message_id, second.message_id);

    // In the database it is the same ID.
    let database = Database::new(&deployment.app.database.url, 1).expect("a URL");
    let mut conn = database.connection().await.expect("a connection");
    let third = enqueue_in(&mut conn, &deployment.handlers(), &play(), options).await.expect("stored");
    assert_eq!(third, id(&first));
    deployment.app.wait_for(third, StepKind::Delivered).await;
    assert_eq!((stage.runs(), deployment.app.database.count("select count(*) from messages").await), (1, 1));
}

#[tokio::test]
async fn enqueue_with_a_lost_response_is_repeated_and_stored_once() {
    let (deployment, stage) = Deployment::acting().await;
    let port = deployment.app.url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let proxy = Proxy::to(port.expect("a port")).await;
    let client = Client::new(&proxy.http_url(), DEV_TOKEN, deployment.handlers()).expect("a URL");
    for deduplication_id in [None, Some("order-1".to_owned())] {
        proxy.lose_response_to("POST /v2/publish");
        let is_own = deduplication_id.is_some();
        let options = EnqueueOptions { deduplication_id, ..EnqueueOptions::default() };
        let enqueued = enqueue(&client, &play(), options).await.expect("accepted");
        // Only the caller knows whether its own ID was used before.
        assert_eq!((proxy.has_lost_response(), enqueued.deduplicated), (true, is_own));
        deployment.app.wait_for(id(&enqueued), StepKind::Delivered).await;
    }
    assert_eq!((stage.runs(), deployment.app.database.count("select count(*) from messages").await), (2, 2));
}

#[tokio::test]
async fn rejected_token_is_reported_as_an_error() {
    let (deployment, _) = Deployment::acting().await;
    let client = Client::new(&deployment.app.url, "wrong", deployment.handlers()).expect("a URL");
    let error = enqueue(&client, &play(), EnqueueOptions::default()).await.expect_err("rejected");
    let EnqueueError::Rejected { status, text } = error else { panic!("{error}") };
    assert_eq!((status, text.as_str()), (401, "unable to authenticate: invalid token"));
    assert_eq!(deployment.app.database.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn invalid_job_is_not_enqueued() {
    let (deployment, _) = Deployment::acting().await;
    let client = Client::new(&deployment.app.url, DEV_TOKEN, deployment.handlers()).expect("a URL");
    let empty = Play { scenes: vec![] };
    let error = enqueue(&client, &empty, EnqueueOptions::default()).await.expect_err("invalid");
    assert_eq!(error.to_string(), "scenes: must not be empty");
    let database = Database::new(&deployment.app.database.url, 1).expect("a URL");
    let mut conn = database.connection().await.expect("a connection");
    let error =
        enqueue_in(&mut conn, &deployment.handlers(), &empty, EnqueueOptions::default()).await.expect_err("invalid");
    assert_eq!(error.to_string(), "scenes: must not be empty");
    assert_eq!(deployment.app.database.count("select count(*) from messages").await, 0);
}

/// Inserts the caller's row and the job in one transaction.
async fn place_order(conn: &mut AsyncPgConnection, handlers: &Handlers, paid: bool) -> Result<MessageId> {
    conn.transaction(async |conn| {
        sql_query("insert into orders default values").execute(conn).await?;
        let options = EnqueueOptions { user_id: Some("user_7".into()), ..EnqueueOptions::default() };
        let id = enqueue_in(conn, handlers, &play(), options).await?;
        ensure!(paid, "the order is not paid");
        Ok(id)
    })
    .await
}

#[tokio::test]
async fn job_enqueued_in_a_transaction_commits_with_the_data() {
    let (deployment, mut stage) = Deployment::acting().await;
    let test = &deployment.app.database;
    test.execute("create table orders (id bigint generated always as identity)").await;
    let counts = async || {
        let tables = ["orders", "messages", "events"];
        let count = async |table| test.count(&format!("select count(*) from {table}")).await;
        (count(tables[0]).await, count(tables[1]).await, count(tables[2]).await)
    };
    let database = Database::new(&test.url, 1).expect("a URL");
    let mut conn = database.connection().await.expect("a connection");

    let rejected = place_order(&mut conn, &deployment.handlers(), false).await.expect_err("rolled back");
    assert_eq!(rejected.to_string(), "the order is not paid");
    assert_eq!((counts().await, stage.runs()), ((0, 0, 0), 0));

    // The commit notifies the dispatcher, whose poll is five minutes away.
    let id = place_order(&mut conn, &deployment.handlers(), true).await.expect("committed");
    assert_eq!(stage.started().await.user_id.as_deref(), Some("user_7"));
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(deployment.app.states(id).await, "CREATED ACTIVE DELIVERED");
    assert_eq!((counts().await, deployment.story(id).await), ((1, 1, 3), vec!["1 completed".to_owned()]));
}

#[tokio::test]
async fn enqueue_many_is_one_statement_and_all_or_nothing() {
    let (deployment, stage) = Deployment::acting().await;
    let test = &deployment.app.database;
    test.execute(
        "create table inserts (at timestamptz default now());
         create function note() returns trigger language plpgsql as
             $$ begin insert into inserts default values; return null; end $$;
         create trigger note after insert on messages for each statement execute function note()",
    )
    .await;
    let (messages, inserts) = ("select count(*) from messages", "select count(*) from inserts");
    let database = Database::new(&test.url, 1).expect("a URL");
    let mut conn = database.connection().await.expect("a connection");
    let handlers = deployment.handlers();
    let once = |id: &str| EnqueueOptions { deduplication_id: Some(id.into()), ..EnqueueOptions::default() };
    let mut jobs: Vec<_> = (0..1000).map(|_| (play(), EnqueueOptions::default())).collect();
    jobs.extend([(play(), once("a")), (play(), once("b")), (play(), once("a"))]);

    let rolled_back: Result<()> = conn
        .transaction(async |conn| {
            enqueue_many_in(conn, &handlers, &jobs).await?;
            bail!("the order is not paid")
        })
        .await;
    assert!(rolled_back.is_err());
    assert_eq!((test.count(messages).await, test.count(inserts).await), (0, 0));

    jobs[3].0.scenes.clear();
    let error = enqueue_many_in(&mut conn, &handlers, &jobs).await.expect_err("invalid");
    assert_eq!(error.to_string(), "jobs[3].scenes: must not be empty");
    jobs[3].0 = play();
    assert_eq!(enqueue_many_in::<Play>(&mut conn, &handlers, &[]).await.expect("nothing to do"), []);
    assert_eq!(test.count(inserts).await, 0);

    let ids = enqueue_many_in(&mut conn, &handlers, &jobs).await.expect("stored");
    assert_eq!((ids.len(), ids[1002] == ids[1000], ids[1001] == ids[1000]), (1003, true, false));
    assert_eq!((test.count(messages).await, test.count(inserts).await), (1002, 1));
    for id in &ids {
        deployment.app.wait_for(*id, StepKind::Delivered).await;
    }
    assert_eq!(stage.runs(), 1002);
}

#[tokio::test]
async fn job_in_a_transaction_is_not_delivered_before_commit() {
    let (deployment, mut stage) = Deployment::acting().await;
    let database = Database::new(&deployment.app.database.url, 1).expect("a URL");
    let mut conn = database.connection().await.expect("a connection");
    let id = conn
        .transaction(async |conn| {
            let id = enqueue_in(conn, &deployment.handlers(), &play(), EnqueueOptions::default()).await?;
            // Another message is delivered meanwhile.
            let other = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
            deployment.app.wait_for(other, StepKind::Delivered).await;
            assert_eq!(stage.started().await.message_id, other.to_string());
            assert_eq!(deployment.app.get(&format!("/v2/messages/{id}")).await.status, 404);
            Ok::<_, anyhow::Error>(id)
        })
        .await
        .expect("committed");
    assert_eq!(stage.started().await.message_id, id.to_string());
    deployment.app.wait_for(id, StepKind::Delivered).await;
}

#[tokio::test]
async fn delayed_job_is_not_delivered_early() {
    let (deployment, stage) = Deployment::acting().await;
    let database = Database::new(&deployment.app.database.url, 1).expect("a URL");
    let mut conn = database.connection().await.expect("a connection");
    let options = EnqueueOptions { delay: Duration::from_secs(90), ..EnqueueOptions::default() };
    let in_database = enqueue_in(&mut conn, &deployment.handlers(), &play(), options.clone()).await.expect("stored");
    let client = Client::new(&deployment.app.url, DEV_TOKEN, deployment.handlers()).expect("a URL");
    let over_http = id(&enqueue(&client, &play(), options).await.expect("accepted"));
    let waiting = "select count(*) from message_states where due_at = created_at + interval '90 seconds'";
    assert_eq!((deployment.app.database.count(waiting).await, stage.runs()), (2, 0));

    deployment.app.make_messages_due().await;
    for id in [in_database, over_http] {
        deployment.app.wait_for(id, StepKind::Delivered).await;
    }
    assert_eq!(stage.runs(), 2);
}
