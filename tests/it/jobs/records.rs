//! The record of a run: its row and the response.

use dispatch::dispatcher::StepKind;
use serde_json::json;
use sigpost_jobs::{EnqueueOptions, JobContext, JobError, Outcome};
use sigpost_qstash::MessageId;

use super::actor::{Act, Play};
use super::deployment::{Deployment, answer};
use super::improvised::running;

#[tokio::test]
async fn correlation_and_trace_reach_the_run_and_follow_up_jobs() {
    let deployment = running(|job: Play, ctx: JobContext| async move {
        if job.scenes.len() == 1 {
            ctx.enqueue(&Play { scenes: vec![2, 3] }, EnqueueOptions::default())?;
        }
        Ok(Outcome::with(ctx.traceparent.map(|trace| trace.to_string())))
    })
    .await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let sent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [("Upstash-Forward-X-Correlation-Id", "order-7"), ("Upstash-Forward-Traceparent", sent.as_str())];
    let body = json!({ "scenes": [1] });
    let id = deployment.publish::<Play>(&headers, &body).await;
    let next = MessageId::of_follow_up(id, 0);
    deployment.app.wait_for(next, StepKind::Delivered).await;

    for message in [id, next] {
        let run = &deployment.runs(message).await[0];
        assert_eq!(run["correlation_id"], "order-7");
        let own = run["result"].as_str().expect("a trace");
        assert!(own.starts_with(&format!("00-{trace}-")) && own != sent, "{own}");
    }
}

#[tokio::test]
async fn correlation_id_defaults_to_the_message_id() {
    let (deployment, mut stage) = Deployment::acting().await;
    let id = MessageId::new();
    answer(deployment.delivery(id, r#"{"scenes":[1]}"#).header("Traceparent", "garbled")).await;
    let ctx = stage.started().await;
    assert_eq!((ctx.correlation_id, ctx.traceparent), (id.to_string(), None));
}

#[tokio::test]
async fn secrets_are_redacted_in_runs_and_responses() {
    let (deployment, mut stage) = Deployment::acting().await;
    stage.will([Act::Fail(JobError::permanent(
        "POST https://u:pass@mail.example/send?key=k1: Bearer abcdefgh12345 rejected",
    ))]);
    let id = MessageId::new();
    let body =
        json!({ "scenes": [1], "apiKey": "k2", "deep": [{ "Password": "k3" }], "link": "https://a.example/r?t=k4" });
    let answered = answer(deployment.delivery(id, &body.to_string())).await;
    let kept = "POST https://[redacted]@mail.example/send?[redacted] Bearer [redacted] rejected";
    assert_eq!(answered.rejection(), (489, kept));
    let run = &deployment.runs(id).await[0];
    assert_eq!(run["error"], kept);
    let payload = json!({
        "scenes": [1], "apiKey": "[redacted]", "deep": [{ "Password": "[redacted]" }], "link": "https://a.example/r?[redacted]",
    });
    assert_eq!(run["payload"], payload);
    stage.started().await;
}
