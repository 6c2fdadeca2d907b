//! A redriven message is its original to the handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_jobs::JobError;
use sigpost_qstash::MessageId;

use super::actor::{Act, Play, Stage, actor};
use super::deployment::{Deployment, answer};

/// Starts handlers behind a gateway that replaces the responses to the first `lost` deliveries by 500.
async fn behind_a_gateway(lost: usize) -> (Deployment, Stage) {
    let (actor, stage) = actor();
    let left = Arc::new(AtomicUsize::new(lost));
    let gateway = from_fn(move |request: Request, next: Next| {
        let left = Arc::clone(&left);
        async move {
            let response = next.run(request).await;
            let loses = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            if loses { StatusCode::INTERNAL_SERVER_ERROR.into_response() } else { response }
        }
    });
    (Deployment::start(|harness| sigpost_jobs::router(actor, harness).layer(gateway)).await, stage)
}

/// Publishes a message without retries and waits for its dead letter.
async fn fail(deployment: &Deployment, headers: &[(&str, &str)]) -> MessageId {
    let headers = [headers, &[("Upstash-Retries", "0")]].concat();
    let id = deployment.publish::<Play>(&headers, &json!({ "scenes": [1] })).await;
    deployment.app.wait_for(id, StepKind::Failed).await;
    id
}

/// Redrives the only dead letter.
async fn redrive(deployment: &Deployment) -> MessageId {
    let letter = deployment.dead_letter().await;
    let path = format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"));
    deployment.app.post(&path).await.id()
}

/// Delivers this message, and returns the handler's response.
async fn answered(deployment: &Deployment, id: MessageId, original: MessageId) -> (u16, Value) {
    let delivery = deployment.delivery(id, r#"{"scenes":[1]}"#);
    let answered = answer(delivery.header("Upstash-Original-Message-Id", original.to_string())).await;
    (answered.status.as_u16(), answered.body)
}

#[tokio::test]
async fn redriven_message_whose_original_completed_is_delivered_without_a_run() {
    let (deployment, stage) = behind_a_gateway(1).await;
    let original = fail(&deployment, &[]).await;
    assert_eq!(deployment.story(original).await, ["1 completed"], "only the response was lost");

    let redriven = redrive(&deployment).await;
    deployment.app.wait_for(redriven, StepKind::Delivered).await;
    assert_eq!((stage.runs(), deployment.run_count().await), (1, 1));
    let expected = json!({ "success": true, "duplicate": true, "result": { "scenes": 1 } });
    assert_eq!(answered(&deployment, redriven, original).await, (200, expected));
}

#[tokio::test]
async fn redrive_of_a_redrive_finds_the_first_completed_run() {
    let (deployment, stage) = behind_a_gateway(3).await;
    let original = fail(&deployment, &[]).await;
    for _ in 0..2 {
        let redriven = redrive(&deployment).await;
        deployment.app.wait_for(redriven, StepKind::Failed).await;
    }
    let last = redrive(&deployment).await;
    deployment.app.wait_for(last, StepKind::Delivered).await;
    assert_eq!((stage.runs(), deployment.run_count().await), (1, 1));
    let header = &deployment.app.message(last).await["header"];
    assert_eq!(header["Upstash-Original-Message-Id"], json!([original]), "the first one, not the one before");
}

#[tokio::test]
async fn redriven_message_whose_original_failed_runs_once() {
    let (deployment, stage) = behind_a_gateway(0).await;
    stage.will([Act::Fail(JobError::permanent("out of order")), Act::Fail(JobError::permanent("still"))]);
    let original = fail(&deployment, &[]).await;
    let second = redrive(&deployment).await;
    deployment.app.wait_for(second, StepKind::Failed).await;
    let third = redrive(&deployment).await;
    deployment.app.wait_for(third, StepKind::Delivered).await;
    assert_eq!(stage.runs(), 3);
    let stories =
        [deployment.story(original).await, deployment.story(second).await, deployment.story(third).await].concat();
    assert_eq!(stories, ["1 failed: out of order", "1 failed: still", "1 completed"]);
    // The work is done once, whichever message is delivered again.
    for id in [original, second, third, MessageId::new()] {
        assert_eq!(answered(&deployment, id, original).await.1["duplicate"], json!(true));
    }
    assert_eq!(stage.runs(), 3);
}

#[tokio::test]
async fn redriven_message_waits_for_the_run_of_its_original() {
    let (deployment, mut stage) = behind_a_gateway(0).await;
    stage.will([Act::SucceedWhenReleased]);
    // The attempt times out while the handler continues.
    let original = fail(&deployment, &[("Upstash-Timeout", "1s")]).await;
    stage.started().await;
    let redriven = redrive(&deployment).await;
    deployment.app.wait_for(redriven, StepKind::Pushed).await;

    stage.release();
    deployment.app.wait_for(redriven, StepKind::Delivered).await;
    assert_eq!((stage.runs(), deployment.story(original).await), (1, vec!["1 completed".to_owned()]));
}

#[tokio::test]
async fn publisher_cannot_name_an_original() {
    let (deployment, stage) = behind_a_gateway(0).await;
    let completed = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    deployment.app.wait_for(completed, StepKind::Delivered).await;
    let forged = completed.to_string();
    for name in ["Upstash-Original-Message-Id", "Upstash-Forward-Upstash-Original-Message-Id"] {
        let headers = [(name, &*forged), ("Upstash-Header-Forward", "true")];
        let id = deployment.publish::<Play>(&headers, &json!({ "scenes": [1] })).await;
        deployment.app.wait_for(id, StepKind::Delivered).await;
        assert_eq!(deployment.story(id).await, ["1 completed"], "{name}");
    }
    assert_eq!(stage.runs(), 3);
}
