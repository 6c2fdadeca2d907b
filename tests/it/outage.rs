//! Postgres fails and recovers.

use std::collections::HashSet;

use dispatch::config::Secret;
use dispatch::dispatcher::StepKind;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sigpost_dev_postgres::{DataDir, Durability, Options, Server};
use sigpost_qstash::MessageId;
use sigpost_store::Database;
use sigpost_store::database::TRUSTED;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::support::{Answer, Proxy, TestApp, TestDatabase, answered};

#[tokio::test]
async fn api_returns_503_and_is_unready_while_postgres_is_down() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let app = TestApp::start_on(&database, |config| config.database_url = Secret(proxy.url(&database.url))).await;
    let probe = async |path| answered(app.anonymous(Method::GET, path)).await.status;
    assert_eq!((probe("/healthz").await, probe("/readyz").await), (StatusCode::OK, StatusCode::OK));

    proxy.forward_to(None);
    app.wait_until_unready().await;
    assert_eq!(probe("/healthz").await, StatusCode::OK);
    for (method, path) in [
        (Method::POST, format!("/v2/publish/{}", app.receiver.url("/hook"))),
        (Method::GET, format!("/v2/messages/{}", MessageId::new())),
        (Method::DELETE, format!("/v2/messages/{}", MessageId::new())),
        (Method::GET, "/v2/events".into()),
        (Method::GET, "/v2/dlq".into()),
        (Method::POST, "/v2/dlq/retry/1-1".into()),
        (Method::GET, "/v2/schedules".into()),
        (Method::DELETE, "/v2/schedules/s".into()),
        (Method::PATCH, "/v2/schedules/s/pause".into()),
        (Method::GET, "/v2/queues".into()),
        (Method::GET, "/v2/keys".into()),
        (Method::POST, "/v2/keys/rotate".into()),
        (Method::GET, "/readyz".into()),
    ] {
        let expected = match path.starts_with("/v2/publish/") {
            true => "the database is unavailable; try again, with a deduplication ID if nothing may be stored twice",
            false => "the database is unavailable; try again",
        };
        let answer = answered(app.request(method, &path)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable"), "{path}");
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(answer.error(), expected, "{path}");
    }

    proxy.forward_to(Some(database.port()));
    while probe("/readyz").await != StatusCode::OK {}
    assert_eq!(app.publish_here(&[], "").await.status, StatusCode::OK);
    assert_eq!(database.count("select count(*) from messages").await, 1);
    app.receiver.next().await;
}

#[tokio::test]
async fn concurrent_lists_are_not_reported_as_an_outage() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    // Each list waits for the lock for half a second, on one of two connections.
    app.database.execute("begin; lock table messages in access exclusive mode").await;
    let lists = join_all((0..40).map(|_| app.get("/v2/events"))).await;
    app.database.execute("rollback").await;
    let too_many = lists.iter().filter(|answer| answer.error() == "too many lists at the same time; try again").count();
    let interrupted = lists.iter().filter(|answer| answer.error() == "the database is unavailable; try again").count();
    assert!(too_many > 10 && too_many + interrupted == lists.len(), "{too_many} of {}: {lists:?}", lists.len());
    assert!(lists.iter().all(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(app.get("/v2/events").await.status, StatusCode::OK);
}

#[tokio::test]
async fn connection_lost_between_publishes_is_replaced() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let app = TestApp::start_on(&database, |config| config.database_url = Secret(proxy.url(&database.url))).await;
    assert_eq!(app.publish_here(&[], "before").await.status, StatusCode::OK);
    app.receiver.next().await;

    proxy.forward_to(Some(database.port()));
    assert_eq!(app.publish_here(&[], "after").await.status, StatusCode::OK);
    assert_eq!(app.receiver.next().await.body, "after");
}

#[tokio::test]
async fn dead_idle_connection_is_replaced_before_use() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let only_one = Database::new(&proxy.url(&database.url), 1).expect("a URL");
    only_one.ping().await.expect("a response");
    let (closed, forgotten) = (|| proxy.forward_to(Some(database.port())), || proxy.forget());
    for die in [&closed as &dyn Fn(), &forgotten] {
        // The pool uses the clock of the machine.
        tokio::time::sleep(TRUSTED).await;
        die();
        only_one.ping().await.expect("a response");
    }
}

#[tokio::test]
async fn publish_with_a_lost_commit_response_is_delivered_once() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let app = TestApp::start_on(&database, |config| config.database_url = Secret(proxy.url(&database.url))).await;
    proxy.lose_response_to("body of the publish");
    let published = app.publish_here(&[("Upstash-Deduplication-Id", "once")], "body of the publish").await;

    assert_eq!((published.status, published.body.get("deduplicated")), (StatusCode::OK, None));
    assert!(proxy.has_lost_response());
    app.wait_for(published.id(), StepKind::Delivered).await;
    assert_eq!(app.states(published.id()).await, "CREATED ACTIVE DELIVERED");
    assert_eq!(app.receiver.next_many(1).await.len() + app.receiver.all_so_far().await.len(), 1);
    assert_eq!(database.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn outcome_with_a_lost_commit_response_is_recorded_once() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let app = TestApp::start_on(&database, |config| config.database_url = Secret(proxy.url(&database.url))).await;
    app.receiver.answers([Answer::status(500).body("body of the answer").held()]);
    let id = app.publish_here(&[("Upstash-Retry-Delay", "500")], "").await.id();
    app.receiver.next().await;
    assert_eq!(app.states(id).await, "CREATED ACTIVE");

    proxy.lose_response_to("body of the answer");
    app.receiver.release(1);
    app.wait_for(id, StepKind::Delivered).await;
    assert!(proxy.has_lost_response());
    assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR RETRY ACTIVE DELIVERED");
    assert_eq!(app.receiver.next().await.header("upstash-retried"), "1");
    let waited = "select (extract(epoch from a.at - r.at) * 1000)::bigint from events a, events r
                  where a.state = 'ACTIVE' and r.state = 'RETRY' and a.at > r.at";
    let waited_ms = database.count(waited).await;
    assert!((500..15_000).contains(&waited_ms), "{waited_ms} ms instead of 500");
}

#[tokio::test]
async fn response_after_cancellation_changes_nothing() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let app = TestApp::start_on(&database, |config| config.database_url = Secret(proxy.url(&database.url))).await;
    app.receiver.answers([Answer::status(500).held()]);
    let id = app.publish_here(&[("Upstash-Retries", "0")], "").await.id();
    app.receiver.next().await;

    // Another process cancels it while the delivering process is disconnected.
    let other = TestApp::start_on(&database, |config| config.dispatcher = None).await;
    proxy.forward_to(None);
    assert_eq!(other.delete(&format!("/v2/messages/{id}")).await.body, json!({ "cancelled": 1 }));
    app.receiver.release(1);
    proxy.forward_to(Some(database.port()));
    app.wait_for(id, StepKind::LeaseLost).await;
    assert_eq!(other.states(id).await, "CREATED ACTIVE CANCEL_REQUESTED CANCELED");
    assert_eq!(other.get("/v2/dlq").await.body, json!({ "messages": [] }));
}

#[tokio::test]
async fn restart_of_postgres_under_load_loses_no_accepted_message() {
    let folder = tempfile::Builder::new().permissions(world_readable()).tempdir().expect("a folder");
    let data = DataDir::Kept(folder.path().join("data"));
    let server = start(data.clone()).await;
    let database = TestDatabase::on(&server).await;
    let proxy = Proxy::to(server.port()).await;
    let app = TestApp::start_on(&database, |config| config.database_url = Secret(proxy.url(&database.url))).await;

    // Eight publishers without pauses, while Postgres stops and starts.
    let (sender, mut statuses) = mpsc::unbounded_channel();
    let publishers = join_all((0..8).map(|_| publish_until_closed(&app, sender.clone())));
    let outage = async {
        let mut wait_for = async |status, times| {
            for _ in 0..times {
                while statuses.recv().await.expect("publishers") != status {}
            }
        };
        wait_for(StatusCode::OK, 100).await;
        spawn_blocking(|| drop(server)).await.expect("stopped");
        wait_for(StatusCode::SERVICE_UNAVAILABLE, 20).await;
        let server = start(data).await;
        proxy.forward_to(Some(server.port()));
        wait_for(StatusCode::OK, 100).await;
        statuses.close();
        server
    };
    let (accepted, server) = tokio::join!(publishers, outage);
    let accepted: Vec<MessageId> = accepted.into_iter().flatten().collect();

    let mut missing: HashSet<MessageId> = accepted.iter().copied().collect();
    while !missing.is_empty() {
        missing.remove(&app.receiver.next().await.header("upstash-message-id").parse().expect("an id"));
    }
    app.app.shutdown().await;
    let database = database.reconnected(&server).await;
    let ids: Vec<String> = accepted.iter().map(|id| id.0.to_string()).collect();
    let sql = "select count(*) from message_states where id = any($1::text[]::uuid[]) and state = 'delivered'";
    assert_eq!(database.query(sql, &[&ids]).await[0].get::<_, i64>(0), accepted.len() as i64);
    let twice =
        "select count(*) from (select from events where state = 'DELIVERED' group by message_id having count(*) > 1) t";
    assert_eq!(database.count(twice).await, 0);
}

/// Publishes one message after another. Returns the accepted ones.
async fn publish_until_closed(app: &TestApp, statuses: mpsc::UnboundedSender<StatusCode>) -> Vec<MessageId> {
    let mut accepted = Vec::new();
    loop {
        let answer = app.publish_here(&[], "load").await;
        match answer.status {
            StatusCode::OK => accepted.push(answer.id()),
            StatusCode::SERVICE_UNAVAILABLE => {}
            _ => panic!("{answer:?}"),
        }
        if statuses.send(answer.status).is_err() {
            return accepted;
        }
    }
}

/// Starts a Postgres server for one test.
pub(crate) async fn start(data_dir: DataDir) -> Server {
    let options = Options { data_dir, durability: Durability::Fast, settings: Vec::new() };
    spawn_blocking(|| Server::start(options, &mut |_| {})).await.expect("joined").expect("Postgres")
}

/// When the tests run as root, Postgres runs as another user, who needs access to the folder.
fn world_readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}
