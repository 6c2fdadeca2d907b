//! One delivery, from the request to the answer.

mod answer;
mod ledger;
mod pulse;
mod run;
mod verify;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::http::HeaderMap;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use self::answer::Answer;
use self::ledger::Ledger;
use self::run::Ended;
use self::verify::{Verified, verify};
use crate::envelope::{Decoded, decode};
use crate::{Handler, Harness, Invalid, Job, JobContext};

/// A handler and what it stands on.
pub(crate) struct Worker<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) harness: Harness,
    /// What deliveries must be signed for.
    url: String,
}

impl<H: Handler> Worker<H> {
    pub(crate) fn new(handler: H, harness: Harness) -> Self {
        let url = format!("{}{}", harness.base_url, H::Job::ENDPOINT);
        Self { handler: Arc::new(handler), harness, url }
    }
}

/// What came in.
pub(crate) struct Request {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Does what a delivery asks for, and says what came of it.
pub(crate) async fn deliver<H: Handler>(worker: &Worker<H>, request: Request) -> Answer {
    match attempt(worker, request).await {
        Ok(answer) | Err(answer) => answer,
    }
}

/// The steps. Each one that does not lead on has its own answer.
async fn attempt<H: Handler>(worker: &Worker<H>, request: Request) -> Result<Answer, Answer> {
    let keys = worker.harness.keys.keys();
    let delivery = verify(&keys.verifier, &worker.url, &request, Timestamp::now())?;
    let Decoded { job, payload, user_id, organization_id } =
        decode::<H::Job>(&request.body).map_err(|invalid| refused::<H>(&delivery, invalid))?;

    let ctx = JobContext {
        message_id: delivery.message_id,
        run_id: Uuid::now_v7(),
        attempt: delivery.attempt,
        user_id,
        organization_id,
        database: worker.harness.database.clone(),
        cancelled: CancellationToken::new(),
    };
    let ledger = Ledger::new::<H::Job>(&ctx);
    let begun_at = Instant::now();
    ledger.begin(&ctx, &payload).await?;
    log_start(&ledger);

    let pulse = pulse::keep(begun_at.into(), || ledger.heartbeat());
    let ended = run::run(Arc::clone(&worker.handler), job, ctx, pulse).await;

    log_end(&ledger, &ended, begun_at);
    ledger.finish(&ended).await?;
    Ok(Answer::from(ended))
}

/// The log names the field. The reason may repeat what was in it, so it goes to the sender only.
fn refused<H: Handler>(delivery: &Verified, invalid: Invalid) -> Answer {
    let (message_id, field) = (&delivery.message_id, &invalid.field);
    tracing::warn!(message_id, job_type = H::Job::TYPE, field, "[jobs] Failed to parse job payload");
    Answer::Invalid(invalid)
}

fn log_start(ledger: &Ledger) {
    let Ledger { message_id, job_type, attempt, .. } = ledger;
    tracing::info!(message_id, job_type, attempt, "[jobs] Processing job");
}

fn log_end(ledger: &Ledger, ended: &Ended, begun_at: Instant) {
    let Ledger { message_id, job_type, attempt, .. } = ledger;
    let duration_ms = u64::try_from(begun_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    match ended.error() {
        None => tracing::info!(message_id, job_type, attempt, duration_ms, "[jobs] Job processed successfully"),
        Some(error) => {
            tracing::warn!(message_id, job_type, attempt, duration_ms, error, "[jobs] Job processing failed");
        }
    }
}
