//! A handler without Postgres: a run that cannot be recorded does not start, and a completed one is recorded later.

use serde_json::json;
use sigpost_qstash::MessageId;

use super::actor::{Act, Ended};
use super::deployment::{Deployment, answer, answer_later};
use crate::support::{Proxy, TestDatabase};

const BODY: &str = r#"{"scenes":[1]}"#;

#[tokio::test]
async fn job_is_not_run_while_postgres_is_down() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let (deployment, stage) = Deployment::acting_over(&proxy.url(&database.url), &database).await;
    proxy.forward_to(None);
    let id = MessageId::new();
    let answered = answer(deployment.delivery(id, BODY)).await;
    assert_eq!(answered.rejection(), (503, "the database is unavailable, the job was not run"));
    assert_eq!((stage.runs(), deployment.run_count().await), (0, 0));

    proxy.forward_to(Some(database.port()));
    assert_eq!(answer(deployment.delivery(id, BODY).header("Upstash-Retried", "1")).await.status, 200);
    assert_eq!((stage.runs(), deployment.story(id).await), (1, vec!["2 completed".to_owned()]));
}

#[tokio::test]
async fn begin_or_end_with_a_lost_commit_response_counts_once() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let (deployment, stage) = Deployment::acting_over(&proxy.url(&database.url), &database).await;
    // The payload is in the statement that begins the run, the error in the one that ends it.
    stage.will([Act::Succeed, Act::Fail(sigpost_jobs::JobError::retryable("paper jam"))]);
    for (lost, status, story) in [("\"scenes\":[1]", 200, "1 completed"), ("paper jam", 500, "1 failed: paper jam")] {
        proxy.lose_response_to(lost);
        let id = MessageId::new();
        assert_eq!(answer(deployment.delivery(id, BODY)).await.status, status, "{lost}");
        assert!(proxy.has_lost_response(), "{lost}");
        assert_eq!(deployment.story(id).await, [story]);
    }
    assert_eq!(stage.runs(), 2);
}

#[tokio::test]
async fn run_completed_during_an_outage_is_recorded_afterwards() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let (deployment, mut stage) = Deployment::acting_over(&proxy.url(&database.url), &database).await;
    stage.will([Act::SucceedWhenReleased]);
    let id = MessageId::new();
    let running = answer_later(deployment.delivery(id, BODY));
    stage.started().await;

    proxy.forward_to(None);
    stage.release();
    assert_eq!(stage.ended().await, Ended::Done);
    proxy.forward_to(Some(database.port()));
    let answered = running.await.expect("joined");
    assert_eq!(answered.body, json!({ "success": true, "result": { "scenes": 1 } }));
    assert_eq!((stage.runs(), deployment.story(id).await), (1, vec!["1 completed".to_owned()]));
}
