//! `ctx.once`: the next run does not repeat a completed side effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dispatch::dispatcher::StepKind;
use reqwest::Method;
use serde_json::json;
use sigpost_jobs::{JobContext, JobError, Outcome};
use sigpost_qstash::MessageId;
use tokio::sync::mpsc;

use super::actor::Play;
use super::deployment::{answer, answer_later};
use super::improvised::running;
use crate::support::answered;

const BODY: &str = r#"{"scenes":[1]}"#;

/// A payment provider that counts charges and reports their keys.
#[derive(Clone)]
struct Charges {
    made: Arc<AtomicU32>,
    keys: mpsc::UnboundedSender<String>,
}

impl Charges {
    fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (keys, seen) = mpsc::unbounded_channel();
        (Self { made: Arc::default(), keys }, seen)
    }

    async fn charge(&self, key: String) -> Result<u32, JobError> {
        let _ = self.keys.send(key);
        Ok(self.made.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn made(&self) -> u32 {
        self.made.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn retry_repeats_only_failed_side_effects() {
    let (charges, mut keys) = Charges::new();
    let handler = charges.clone();
    let deployment = running(move |_, ctx: JobContext| {
        let charges = handler.clone();
        async move {
            let first = ctx.once("first", |key| charges.charge(key)).await?;
            let second = ctx.once("second", async |key| match ctx.attempt {
                1 => Err(JobError::retryable("declined")),
                _ => charges.charge(key).await,
            });
            let second = second.await?;
            if ctx.attempt == 2 { Err(JobError::retryable("later")) } else { Ok(Outcome::with((first, second))) }
        }
    })
    .await;
    let id = MessageId::new();
    for (retried, status) in [("0", 500), ("1", 500), ("2", 200)] {
        let answered = answer(deployment.delivery(id, BODY).header("Upstash-Retried", retried)).await;
        assert_eq!(answered.status, status, "{answered:?}");
    }
    assert_eq!(deployment.runs(id).await[2]["result"], json!([1, 2]));
    assert_eq!(charges.made(), 2);
    assert_eq!((keys.recv().await, keys.recv().await), (Some(format!("first/{id}")), Some(format!("second/{id}"))));

    // Another message has its own effects.
    assert_eq!(answer(deployment.delivery(MessageId::new(), BODY).header("Upstash-Retried", "2")).await.status, 200);
    assert_eq!(charges.made(), 4);
}

#[tokio::test]
async fn redriven_messages_share_the_side_effects_of_their_original() {
    let (charges, mut keys) = Charges::new();
    let handler = charges.clone();
    let deployment = running(move |_, ctx: JobContext| {
        let charges = handler.clone();
        async move {
            let number = ctx.once("charge", |key| charges.charge(key)).await?;
            assert_eq!(
                ctx.idempotency_key("refund"),
                format!("refund/{}", ctx.correlation_id.replace("third-of-", ""))
            );
            // The correlation ID identifies the last redrive.
            if ctx.correlation_id.starts_with("third") {
                Ok(Outcome::with(number))
            } else {
                Err(JobError::permanent("rejected"))
            }
        }
    })
    .await;
    let app = &deployment.app;
    let id = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    app.wait_for(id, StepKind::Failed).await;
    let redrive = async |headers: &[(&str, String)]| {
        let path = format!("/v2/dlq/retry/{}", deployment.dead_letter().await["dlqId"].as_str().expect("an id"));
        let request = headers
            .iter()
            .fold(app.request(Method::POST, &path), |request, (name, value)| request.header(*name, value));
        answered(request).await.id()
    };
    let second = redrive(&[]).await;
    app.wait_for(second, StepKind::Failed).await;
    let third = redrive(&[("Upstash-Forward-X-Correlation-Id", format!("third-of-{id}"))]).await;
    app.wait_for(third, StepKind::Delivered).await;
    assert_eq!((charges.made(), &deployment.runs(third).await[0]["result"]), (1, &json!(1)));
    assert_eq!(keys.recv().await, Some(format!("charge/{id}")));
    // One record, which is retained as long as the last message.
    let sql = "select count(*) from effects where message_id = $1 and message = $2::text::uuid";
    assert_eq!(app.database.query(sql, &[&id.to_string(), &third.0.to_string()]).await[0].get::<_, i64>(0), 1);
}

#[tokio::test]
async fn cancelled_or_expired_run_starts_no_side_effect() {
    let (charges, _keys) = Charges::new();
    let (started_sender, mut started) = mpsc::unbounded_channel();
    let go = Arc::new(tokio::sync::Semaphore::new(0));
    let (handler, gate) = (charges.clone(), Arc::clone(&go));
    let deployment = running(move |_, ctx: JobContext| {
        let (charges, gate, started) = (handler.clone(), Arc::clone(&gate), started_sender.clone());
        async move {
            let _ = started.send(());
            gate.acquire().await.expect("open").forget();
            Ok(Outcome::with(ctx.once("charge", |key| charges.charge(key)).await?))
        }
    })
    .await;
    let database = &deployment.app.database;

    let id = deployment.publish::<Play>(&[("Upstash-Delay", "1h")], &json!({ "scenes": [1] })).await;
    let running = answer_later(deployment.delivery(id, BODY));
    started.recv().await.expect("started");
    deployment.app.delete(&format!("/v2/messages/{id}")).await;
    go.add_permits(1);
    assert_eq!(running.await.expect("joined").rejection(), (489, "the message was cancelled"));

    let running = answer_later(deployment.delivery(MessageId::new(), BODY));
    started.recv().await.expect("started");
    database.execute("update job_executions set status = 'failed', completed_at = now(), lease_until = null").await;
    go.add_permits(1);
    assert_eq!(running.await.expect("joined").status, 409);
    assert_eq!((charges.made(), database.count("select count(*) from effects").await), (0, 0));
}

#[tokio::test]
async fn side_effect_with_an_oversized_result_is_not_repeated() {
    let (charges, _keys) = Charges::new();
    let handler = charges.clone();
    let deployment = running(move |_, ctx: JobContext| {
        let charges = handler.clone();
        async move {
            let large = ctx.once("page", async |key| charges.charge(key).await.map(|_| "x".repeat(65_536))).await?;
            Ok(Outcome::with(large.len()))
        }
    })
    .await;
    let answered = answer(deployment.delivery(MessageId::new(), BODY)).await;
    let why = r#""page" was done, but its result is too large to be remembered (64 KiB)"#;
    assert_eq!((answered.rejection(), charges.made()), ((489, why), 1));
}
