//! Published jobs and the outcomes of their runs, through the dispatcher.

use std::time::Duration;

use dispatch::dispatcher::StepKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sigpost_jobs::{Handler, Harness, Job, JobContext, JobError, Outcome};

use super::actor::{Act, Ended, Play};
use super::deployment::Deployment;

#[tokio::test]
async fn published_job_is_run_and_recorded_with_its_user() {
    let (deployment, mut stage) = Deployment::acting().await;
    let metadata = json!({ "userId": "user_7", "organizationId": "org_9", "createdAt": "2026-11-22T10:00:00Z" });
    let job = json!({ "type": "play", "payload": { "scenes": [1, 2] }, "metadata": metadata });
    let id = deployment.publish::<Play>(&[], &job).await;

    let ctx = stage.started().await;
    assert_eq!((&ctx.message_id, ctx.attempt), (&id.to_string(), 1));
    assert_eq!((ctx.user_id.as_deref(), ctx.organization_id.as_deref()), (Some("user_7"), Some("org_9")));
    deployment.app.wait_for(id, StepKind::Delivered).await;

    let mut runs = deployment.runs(id).await;
    assert_eq!(runs.len(), 1);
    let run = runs[0].as_object_mut().expect("an object");
    let times = ["created_at", "started_at", "completed_at"].map(|name| run.remove(name).expect(name));
    assert!(times.iter().all(Value::is_string), "{times:?}");
    let expected = json!({
        "id": ctx.run_id,
        "message_id": id,
        "job_type": "play",
        "attempt": 1,
        "status": "completed",
        "payload": { "scenes": [1, 2] },
        "result": { "scenes": 2 },
        "error": null,
        "user_id": "user_7",
        "organization_id": "org_9",
        "original_message_id": null,
        "lease_until": null,
        "correlation_id": id,
        "progress": null,
    });
    assert_eq!(runs, [expected]);
    assert_eq!(
        deployment.app.database.count("select count(*) from job_executions where completed_at >= started_at").await,
        1
    );
    assert!(ctx.is_cancelled(), "tasks of the handler are cancelled when the run ends");
}

#[tokio::test]
async fn each_attempt_of_a_job_has_a_run() {
    let (deployment, stage) = Deployment::acting().await;
    stage.will([Act::Fail(JobError::retryable("the printer is out of paper"))]);
    let id = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    deployment.app.wait_for(id, StepKind::Retried).await;
    assert_eq!(deployment.story(id).await, ["1 failed: the printer is out of paper"]);
    assert_eq!(deployment.app.event(id, "ERROR").await["responseStatus"], 500);

    deployment.app.make_messages_due().await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(deployment.story(id).await, ["1 failed: the printer is out of paper", "2 completed"]);
    assert_eq!(deployment.runs(id).await[0]["payload"], json!({ "scenes": [1] }));
}

/// Returns the error and the code of the handler's response in a dead letter.
fn error_of(letter: &Value) -> (Value, Value) {
    let mut said: Value = serde_json::from_str(letter["responseBody"].as_str().expect("a text")).expect("JSON");
    assert!(said["requestId"].is_string(), "{said}");
    (said["error"].take(), said["code"].take())
}

#[tokio::test]
async fn permanent_failure_is_a_dead_letter_immediately() {
    let (deployment, stage) = Deployment::acting().await;
    stage.will([Act::Fail(JobError::permanent("the account is closed"))]);
    let id = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    deployment.app.wait_for(id, StepKind::Failed).await;

    assert_eq!(deployment.story(id).await, ["1 failed: the account is closed"]);
    assert_eq!(deployment.app.states(id).await, "CREATED ACTIVE ERROR FAILED");
    let letter = deployment.dead_letter().await;
    assert_eq!((&letter["messageId"], &letter["responseStatus"]), (&json!(id), &json!(489)));
    assert_eq!(error_of(&letter), ("the account is closed".into(), "job_rejected".into()));
    assert_eq!(stage.runs(), 1);
}

#[tokio::test]
async fn retry_after_of_a_job_sets_the_next_attempt() {
    let (deployment, stage) = Deployment::acting().await;
    stage.will([Act::Fail(JobError::retry_after(Duration::from_millis(89_001), "too many at once"))]);
    let id = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    deployment.app.wait_for(id, StepKind::Retried).await;

    assert_eq!(deployment.story(id).await, ["1 failed: too many at once"]);
    assert_eq!(deployment.app.event(id, "ERROR").await["responseStatus"], 503);
    let wait =
        "select extract(epoch from m.due_at - e.at)::bigint from message_states m, events e where e.state = 'RETRY'";
    assert_eq!(deployment.app.database.count(wait).await, 90);
}

#[tokio::test]
async fn panic_fails_the_run_without_exposing_details() {
    let (deployment, mut stage) = Deployment::acting().await;
    stage.will([Act::Panic]);
    let id = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    deployment.app.wait_for(id, StepKind::Retried).await;

    assert_eq!(stage.ended().await, Ended::Stopped);
    assert_eq!(deployment.story(id).await, ["1 failed: the handler panicked"]);
    let error = deployment.app.event(id, "ERROR").await;
    assert_eq!(error["responseStatus"], 500);
    assert!(!error.to_string().contains("secret"), "{error}");

    deployment.app.make_messages_due().await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(deployment.story(id).await, ["1 failed: the handler panicked", "2 completed"]);
}

/// A job with a short timeout.
#[derive(Serialize, Deserialize)]
struct Hurry {}

impl Job for Hurry {
    const TYPE: &'static str = "hurry";
    const ENDPOINT: &'static str = "/api/jobs/hurry";
    const TIMEOUT: Duration = Duration::from_millis(100);
}

/// Exceeds the timeout.
struct Sleeper;

impl Handler for Sleeper {
    type Job = Hurry;

    async fn run(&self, _job: Hurry, _ctx: &JobContext) -> Result<Outcome, JobError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn run_over_its_job_timeout_fails() {
    let deployment = Deployment::start(|harness| sigpost_jobs::router(Sleeper, harness)).await;
    let id = deployment.publish::<Hurry>(&[("Upstash-Retries", "0")], &json!({})).await;
    deployment.app.wait_for(id, StepKind::Failed).await;

    assert_eq!(deployment.story(id).await, ["1 failed: timed out after 100ms"]);
    let letter = deployment.dead_letter().await;
    assert_eq!(letter["responseStatus"], 500);
    assert_eq!(error_of(&letter), ("timed out after 100ms".into(), "job_failed".into()));
}

#[tokio::test]
async fn invalid_payload_is_a_dead_letter_that_names_the_field() {
    let (deployment, stage) = Deployment::acting().await;
    for (body, error) in [
        (r#"{"scenes":[1,"two"]}"#, "scenes[1]: must be a whole number, got \"two\""),
        (r#"{"scenes":[]}"#, "scenes: must not be empty"),
        (r#"{"type":"play","payload":{"scenes":7}}"#, "payload.scenes: must be an array, got 7"),
        (r#"{"type":"song","payload":{"scenes":[1]}}"#, "type: this is the endpoint of play, not of song"),
        (r#"{"scenes":[1"#, "body: not valid JSON, it ends too early at line 1 column 12"),
        ("", "body: not valid JSON, it ends too early at line 1 column 0"),
    ] {
        let id = deployment.app.publish(&deployment.endpoint::<Play>(), &[], body).await.id();
        deployment.app.wait_for(id, StepKind::Failed).await;
        let letter = deployment.app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0].clone();
        assert_eq!(letter["responseStatus"], 489);
        assert_eq!(error_of(&letter), (error.into(), "job_invalid".into()));
        assert_eq!(deployment.app.states(id).await, "CREATED ACTIVE ERROR FAILED");
    }
    assert_eq!((stage.runs(), deployment.run_count().await), (0, 0));
}

#[tokio::test]
async fn job_over_the_body_limit_is_rejected_unread() {
    let (deployment, stage) = Deployment::acting_with(|harness| Harness { max_body_bytes: 1000, ..harness }).await;
    let job = json!({ "scenes": [1], "rest": "x".repeat(1000) });
    let id = deployment.publish::<Play>(&[("Upstash-Retries", "0")], &job).await;
    deployment.app.wait_for(id, StepKind::Failed).await;

    let letter = deployment.dead_letter().await;
    assert_eq!(letter["responseStatus"], 413);
    let error = "body: quota maxMessageSize exceeded, current limit: 1000";
    assert_eq!(error_of(&letter), (error.into(), "payload_too_large".into()));
    assert_eq!((stage.runs(), deployment.run_count().await), (0, 0));
}
