//! A run is notified before it is stopped, and has time to clean up.

use serde_json::json;
use sigpost_jobs::{JobContext, JobError, Outcome};
use sigpost_qstash::MessageId;
use tokio::sync::mpsc;

use super::actor::{Act, Ended, Play};
use super::deployment::{Deployment, answer, answer_later};
use super::improvised::running;
use super::lease::{advance_past_stop_notice, advance_to_heartbeat};

const BODY: &str = r#"{"scenes":[1]}"#;

#[tokio::test]
async fn handler_may_finish_after_cooperative_cancellation() {
    let (started_sender, mut started) = mpsc::unbounded_channel();
    let deployment = running(move |_, ctx: JobContext| {
        let started = started_sender.clone();
        async move {
            let _ = started.send(());
            ctx.cancelled().await;
            if ctx.attempt == 1 { Ok(Outcome::with("half of it")) } else { Err(JobError::retryable("left off")) }
        }
    })
    .await;
    for (retried, status) in [("0", 200), ("1", 489)] {
        let id = deployment.publish::<Play>(&[("Upstash-Delay", "1h")], &json!({ "scenes": [1] })).await;
        let running = answer_later(deployment.delivery(id, BODY).header("Upstash-Retried", retried));
        started.recv().await.expect("started");
        deployment.app.delete(&format!("/v2/messages/{id}")).await;
        advance_to_heartbeat().await;
        assert_eq!(running.await.expect("joined").status, status);
    }
}

#[tokio::test]
async fn shutdown_stops_runs_and_requests_retries() {
    let mut stopping = None;
    let (deployment, mut stage) = Deployment::acting_with(|harness| {
        stopping = Some(harness.stopping.clone());
        harness
    })
    .await;
    stage.will([Act::SucceedWhenReleased]);
    let id = MessageId::new();
    let running = answer_later(deployment.delivery(id, BODY));
    let ctx = stage.started().await;
    stopping.expect("a harness").cancel();
    ctx.cancelled().await;
    advance_past_stop_notice().await;
    assert_eq!(stage.ended().await, Ended::Stopped);
    let answered = running.await.expect("joined");
    assert_eq!((answered.rejection(), answered.retry_after()), ((503, "the process was stopped"), 1));
    assert_eq!(deployment.story(id).await, ["1 failed: the process was stopped"]);
    // Here the process continues. A run that starts now is stopped too, unless it completes immediately.
    assert_eq!(answer(deployment.delivery(id, BODY).header("Upstash-Retried", "1")).await.status, 200);
}
