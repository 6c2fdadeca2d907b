//! Handling of a delivery, from the request to the response.

mod answer;
mod ledger;
mod pulse;
mod run;
mod verify;

pub use pulse::{BEAT as RUN_BEAT, LEASE as RUN_LEASE};

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use sigpost_runtime::traces;
use sigpost_store::runs;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};
use uuid::Uuid;

pub(crate) use self::answer::Answer;
use self::ledger::Ledger;
use self::run::Ended;
use self::verify::{Verified, verify};
use crate::context::Shared;
use crate::envelope::{Decoded, Undecoded, decode};
use crate::trace::{self, Trace};
use crate::{Handler, Harness, Job, JobContext, JobError};

/// A handler and its environment.
pub(crate) struct Worker<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) harness: Harness,
    /// URL that deliveries must be signed for.
    url: String,
}

impl<H: Handler> Worker<H> {
    pub(crate) fn new(handler: H, harness: Harness) -> Self {
        let url = format!("{}{}", harness.handlers.base_url(), H::Job::ENDPOINT);
        Self { handler: Arc::new(handler), harness, url }
    }
}

/// Request of a delivery.
pub(crate) struct Request {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Handles a delivery. Returns its result.
pub(crate) async fn deliver<H: Handler>(worker: &Worker<H>, request: Request) -> Answer {
    match attempt(worker, request).await {
        Ok(answer) | Err(answer) => answer,
    }
}

/// Performs the steps of a delivery. A failed step returns its response as an error.
async fn attempt<H: Handler>(worker: &Worker<H>, request: Request) -> Result<Answer, Answer> {
    let keys = worker.harness.keys.keys();
    let delivery = verify(&keys.verifier, &worker.url, &request, Timestamp::now())?;
    let decoded = match decode::<H::Job>(&request.body, worker.harness.handlers.sealing.as_ref()) {
        Ok(decoded) => decoded,
        Err(undecoded) => return Err(rejected(worker, &delivery, undecoded).await),
    };
    let mut traced = trace::begin(&request.headers);
    let ctx = context(worker, delivery, &decoded, Trace::of(&request.headers), traced.as_ref());
    if let Some(traced) = &mut traced {
        trace::describe(traced, &ctx, H::Job::TYPE);
    }
    let span = span(&ctx, H::Job::TYPE);
    let (Ok(answer) | Err(answer)) = work(worker, decoded, ctx).instrument(span).await;
    if let (Some(traced), Some(reason)) = (&mut traced, answer.failure()) {
        traced.fail(reason);
    }
    Ok(answer)
}

async fn work<H: Handler>(worker: &Worker<H>, decoded: Decoded<H::Job>, ctx: JobContext) -> Result<Answer, Answer> {
    let Decoded { job, payload, .. } = decoded;
    let ledger = Ledger::new::<H::Job>(ctx.clone());
    let begun_at = Instant::now();
    ledger.begin(&payload).await?;
    log_start::<H::Job>(&ctx);

    let pulse = pulse::keep(begun_at, || ledger.heartbeat());
    let ended = run::run(Arc::clone(&worker.handler), job, ctx.clone(), pulse, &worker.harness.stopping).await;
    // A committed run is completed, even if the handler returned an error afterwards.
    let ended = ctx.shared.committed.get().cloned().map_or(ended, Ended::Done);

    log_end::<H::Job>(&ctx, &ended, begun_at);
    ledger.finish(&ended).await?;
    Ok(Answer::from(ended))
}

fn context<H: Handler>(
    worker: &Worker<H>,
    delivery: Verified,
    decoded: &Decoded<H::Job>,
    trace: Trace,
    traced: Option<&traces::Span>,
) -> JobContext {
    let Verified { message_id, original_message_id, attempt } = delivery;
    let run_id = Uuid::now_v7();
    JobContext {
        shared: Shared::new::<H::Job>(&message_id, worker.harness.handlers.clone()),
        correlation_id: trace
            .correlation_id
            .unwrap_or_else(|| original_message_id.as_ref().unwrap_or(&message_id).clone()),
        traceparent: traced
            .map(|span| span.place().clone())
            // This span is not recorded. Its ID is the random half of the run ID.
            .or_else(|| trace.traceparent.map(|given| given.with_span(run_id.as_u64_pair().1))),
        message_id,
        original_message_id,
        run_id,
        attempt,
        user_id: decoded.user_id.clone(),
        organization_id: decoded.organization_id.clone(),
        database: worker.harness.database.clone(),
    }
}

/// Returns the log span of a run, with the fields of all its log lines.
fn span(ctx: &JobContext, job_type: &'static str) -> Span {
    let JobContext { message_id, run_id, correlation_id, traceparent, .. } = ctx;
    let span = info_span!("run", job_type, message_id, %run_id, correlation_id, trace_id = Empty);
    if let Some(traceparent) = traceparent {
        span.record("trace_id", traceparent.trace_id());
    }
    span
}

/// Logs the invalid field and returns the response. The reason may contain the value, so only the sender gets it.
async fn rejected<H: Handler>(worker: &Worker<H>, delivery: &Verified, undecoded: Undecoded) -> Answer {
    let (message_id, job_type) = (&delivery.message_id, H::Job::TYPE);
    match undecoded {
        Undecoded::UnknownKey(key_id) => {
            tracing::error!(message_id, job_type, key_id, "[jobs] The payload is sealed with an unknown key");
            let why = format!("the payload is sealed with the key {key_id:?}, which is not in JOB_SEALING_KEYS");
            Answer::Failed(JobError::Retryable(why))
        }
        Undecoded::Invalid(invalid) => {
            // A completed run has purged the payload.
            if H::Job::PURGE_PAYLOAD
                && let Some(result) = find_completed(worker, delivery).await
            {
                return Answer::Duplicate(result);
            }
            tracing::warn!(message_id, job_type, field = invalid.field, "[jobs] Failed to parse job payload");
            Answer::Invalid(invalid)
        }
    }
}

async fn find_completed<H>(worker: &Worker<H>, delivery: &Verified) -> Option<Option<Value>> {
    let Verified { message_id, original_message_id, .. } = delivery;
    let original_id = original_message_id.as_ref().unwrap_or(message_id);
    let found = async { runs::find_completed(&mut *worker.harness.database.connection().await?, original_id).await };
    found.await.unwrap_or_else(|why| {
        tracing::warn!(message_id, error = %why, "[jobs] Failed to query whether the job was completed before");
        None
    })
}

fn log_start<J: Job>(ctx: &JobContext) {
    let (message_id, attempt) = (&ctx.message_id, ctx.attempt);
    tracing::info!(message_id, job_type = J::TYPE, attempt, "[jobs] Processing job");
}

fn log_end<J: Job>(ctx: &JobContext, ended: &Ended, begun_at: Instant) {
    let (message_id, job_type, attempt) = (&ctx.message_id, J::TYPE, ctx.attempt);
    let duration_ms = u64::try_from(begun_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    match ended.error() {
        None => tracing::info!(message_id, job_type, attempt, duration_ms, "[jobs] Job processed successfully"),
        Some(error) => {
            tracing::warn!(message_id, job_type, attempt, duration_ms, error, "[jobs] Job processing failed");
        }
    }
}
