//! The lease of a run: extended by heartbeats, and checked when the run ends.

use std::time::Duration;

use serde_json::{Value, json};
use sigpost_qstash::MessageId;
use sigpost_store::Database;
use sigpost_store::runs::{Finish, NewRun, Pulse, begin, close_abandoned, finish, heartbeat};
use tokio::time::{advance, pause, resume};
use uuid::Uuid;

use super::actor::{Act, Ended, Play};
use super::deployment::{Deployment, answer, answer_later};
use crate::support::TestDatabase;

const BODY: &str = r#"{"scenes":[1]}"#;

/// Advances the clock of this process, not of Postgres, by 10 s, the heartbeat interval.
pub(crate) async fn advance_to_heartbeat() {
    pause();
    advance(Duration::from_secs(10)).await;
    resume();
}

/// Advances it by the 5 s that a handler has to stop.
pub(crate) async fn advance_past_stop_notice() {
    pause();
    advance(Duration::from_secs(5)).await;
    resume();
}

#[tokio::test]
async fn cancelled_run_is_stopped_at_its_next_heartbeat() {
    let (deployment, mut stage) = Deployment::acting().await;
    stage.will([Act::SucceedWhenReleased]);
    let id = deployment.publish::<Play>(&[("Upstash-Delay", "1h")], &json!({ "scenes": [1] })).await;
    let running = answer_later(deployment.delivery(id, BODY));
    let ctx = stage.started().await;

    assert_eq!(deployment.app.delete(&format!("/v2/messages/{id}")).await.body, json!({ "cancelled": 1 }));
    advance_to_heartbeat().await;
    ctx.cancelled().await;
    advance_past_stop_notice().await;
    assert_eq!(stage.ended().await, Ended::Stopped);
    let answered = running.await.expect("joined");
    assert_eq!(answered.rejection(), (489, "the message was cancelled"));
    assert_eq!(answered.headers["upstash-nonretryable-error"], "true");
    assert!(ctx.is_cancelled());
    assert_eq!(deployment.story(id).await, ["1 failed: the message was cancelled"]);
    assert_eq!(deployment.app.message(id).await["state"], "CANCELED");
}

#[tokio::test]
async fn cancellation_in_flight_stops_the_handler() {
    let (deployment, mut stage) = Deployment::acting().await;
    stage.will([Act::SucceedWhenReleased]);
    let id = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    let ctx = stage.started().await;
    deployment.app.delete(&format!("/v2/messages/{id}")).await;
    advance_to_heartbeat().await;
    ctx.cancelled().await;
    advance_past_stop_notice().await;
    assert_eq!(stage.ended().await, Ended::Stopped);
    assert_eq!(deployment.app.states(id).await, "CREATED ACTIVE CANCEL_REQUESTED CANCELED");
}

#[tokio::test]
async fn run_with_a_lost_lease_stops_and_changes_no_record() {
    let (deployment, mut stage) = Deployment::acting().await;
    stage.will([Act::SucceedWhenReleased]);
    let id = MessageId::new();
    let running = answer_later(deployment.delivery(id, BODY));
    stage.started().await;

    let close =
        "update job_executions set status = 'failed', error = 'closed', completed_at = now(), lease_until = null";
    deployment.app.database.execute(close).await;
    advance_to_heartbeat().await;
    assert_eq!(stage.ended().await, Ended::Stopped);
    let answered = running.await.expect("joined");
    assert_eq!(answered.rejection(), (409, "the run lost its lease, another one may have started"));
    assert_eq!(answered.retry_after(), 1);
    assert_eq!(deployment.story(id).await, ["1 failed: closed"]);

    assert_eq!(answer(deployment.delivery(id, BODY).header("Upstash-Retried", "1")).await.status, 200);
    assert_eq!(deployment.story(id).await, ["1 failed: closed", "2 completed"]);
}

#[tokio::test]
async fn heartbeat_extends_the_lease_and_reports_loss_or_cancellation() {
    let (deployment, _) = Deployment::acting().await;
    let message = deployment.publish::<Play>(&[("Upstash-Delay", "1h")], &json!({ "scenes": [1] })).await;
    let database = &deployment.app.database;
    let store = Database::new(&database.url, 1).expect("a URL");
    let mut conn = store.connection().await.expect("a connection");
    let (run, lease) = (Uuid::now_v7(), Duration::from_secs(30));
    begin(&mut conn, &new_run(run, &message.to_string(), lease)).await.expect("begun");

    database.execute("update job_executions set lease_until = now() + interval '1 second'").await;
    assert_eq!(heartbeat(&mut conn, run, Some(message.0), lease).await.expect("a response"), Pulse::Alive);
    let prolonged = "select count(*) from job_executions where lease_until > now() + interval '10 seconds'";
    assert_eq!(database.count(prolonged).await, 1);
    // Expired, but no other run took over: extending it is better than a second run.
    database.execute("update job_executions set lease_until = now() - interval '1 second'").await;
    assert_eq!(heartbeat(&mut conn, run, None, lease).await.expect("a response"), Pulse::Alive);

    deployment.app.delete(&format!("/v2/messages/{message}")).await;
    assert_eq!(heartbeat(&mut conn, run, Some(message.0), lease).await.expect("a response"), Pulse::Cancelled);
    assert!(finish(&mut conn, run, Finish::Failed("cancelled")).await.expect("a response"));
    assert_eq!(heartbeat(&mut conn, run, Some(message.0), lease).await.expect("a response"), Pulse::Lost);
}

#[tokio::test]
async fn first_recorded_end_of_a_run_is_final() {
    let test = TestDatabase::new().await;
    let store = Database::new(&test.url, 1).expect("a URL");
    let mut conn = store.connection().await.expect("a connection");
    let (run, lease) = (Uuid::now_v7(), Duration::from_secs(30));
    begin(&mut conn, &new_run(run, "msg_1", lease)).await.expect("begun");
    let result = json!({ "first": true });
    assert!(finish(&mut conn, run, Finish::Completed(Some(&result))).await.expect("a response"));

    // The same call again, as after a lost response, and then another outcome.
    assert!(finish(&mut conn, run, Finish::Completed(Some(&result))).await.expect("a response"));
    assert!(!finish(&mut conn, run, Finish::Failed("later")).await.expect("a response"));
    assert!(!finish(&mut conn, Uuid::now_v7(), Finish::Completed(None)).await.expect("a response"));
    let kept = "select count(*) from job_executions where status = 'completed' and result = '{\"first\": true}'";
    assert_eq!(test.count(kept).await, 1);
}

#[tokio::test]
async fn texts_that_postgres_rejects_are_sanitized() {
    let (deployment, stage) = Deployment::acting().await;
    stage.will([Act::Fail(sigpost_jobs::JobError::retryable(format!("\0{}", "é".repeat(10_000))))]);
    let id = MessageId::new();
    let body = json!({ "type": "play", "payload": { "scenes": [1], "nul\0": "\0" }, "metadata": { "userId": "\0" } });
    let answered = answer(deployment.delivery(id, &body.to_string())).await;
    assert_eq!(answered.status, 500);
    let run = &deployment.runs(id).await[0];
    assert_eq!((&run["user_id"], &run["payload"]["nul\u{fffd}"]), (&json!("\u{fffd}"), &json!("\u{fffd}")));
    assert!(run["error"].as_str().is_some_and(|error| error.starts_with('\u{fffd}') && error.len() < 10_000));
}

#[tokio::test]
async fn abandoned_runs_are_closed_after_the_threshold() {
    let test = TestDatabase::new().await;
    let store = Database::new(&test.url, 1).expect("a URL");
    let mut conn = store.connection().await.expect("a connection");
    for message_id in ["msg_1", "msg_2", "msg_3"] {
        begin(&mut conn, &new_run(Uuid::now_v7(), message_id, Duration::from_secs(30))).await.expect("begun");
    }
    test.execute(
        "update job_executions set lease_until = now() - interval '61 minutes' where message_id = 'msg_1';
         update job_executions set lease_until = now() - interval '50 minutes' where message_id = 'msg_2'",
    )
    .await;
    assert_eq!(close_abandoned(&mut conn, Duration::from_secs(3600)).await.expect("a response"), 1);
    let closed = "select count(*) from job_executions where message_id = 'msg_1' and status = 'failed'";
    assert_eq!(test.count(closed).await, 1);
    assert_eq!(test.count("select count(*) from job_executions where status = 'processing'").await, 2);
}

fn new_run(id: Uuid, message_id: &str, lease: Duration) -> NewRun<'_> {
    let payload = &Value::Null;
    NewRun {
        id,
        message_id,
        original_message_id: None,
        job_type: "play",
        attempt: 1,
        payload,
        user_id: None,
        organization_id: None,
        correlation_id: None,
        lease,
    }
}
