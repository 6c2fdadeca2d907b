//! A slow Resend: failures while a request to it is in flight.

use dispatch::dispatcher::StepKind;
use serde_json::json;
use sigpost_jobs::payloads::SendEmail;
use sigpost_qstash::MessageId;
use tokio::task::JoinHandle;

use super::{json_answer, start, welcome};
use crate::jobs::deployment::{Answered, Deployment, answer_later};
use crate::jobs::lease::advance_to_heartbeat;
use crate::support::Receiver;

/// Starts a run whose request Resend has received and not responded to.
async fn held() -> (Deployment, Receiver, MessageId, JoinHandle<Answered>, String) {
    let (deployment, resend) = start().await;
    resend.answers([json_answer(200, json!({ "id": "e1" })).held()]);
    let id = deployment.publish::<SendEmail>(&[("Upstash-Delay", "1h")], &welcome()).await;
    let running = answer_later(deployment.delivery_of::<SendEmail>(id, &welcome().to_string()));
    let key = resend.next().await.header("idempotency-key").to_owned();
    (deployment, resend, id, running, key)
}

async fn logged(deployment: &Deployment) -> i64 {
    deployment.app.database.count("select count(*) from email_logs").await
}

#[tokio::test]
async fn email_timeout_is_retried_with_the_same_idempotency_key() {
    let (deployment, resend, id, running, key) = held().await;
    advance_to_heartbeat().await;
    let answered = running.await.expect("joined");
    assert_eq!(answered.rejection(), (500, "Resend: timeout: operation timed out"));
    deployment.app.make_messages_due().await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!((resend.next().await.header("idempotency-key"), logged(&deployment).await), (key.as_str(), 1));
}

#[tokio::test]
async fn email_is_not_repeated_after_a_lost_lease() {
    let (deployment, resend, id, running, _) = held().await;
    let close =
        "update job_executions set status = 'failed', error = 'closed', completed_at = now(), lease_until = null";
    deployment.app.database.execute(close).await;
    resend.release(1);
    assert_eq!(running.await.expect("joined").status, 409);
    assert_eq!(logged(&deployment).await, 0);
    deployment.app.make_messages_due().await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!((resend.all_so_far().await.len(), logged(&deployment).await), (0, 1), "that it was sent is known");
}
