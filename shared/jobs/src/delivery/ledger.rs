//! Row of a run in `job_executions`: inserted before the handler runs, renewed by heartbeats, updated at the end.

use std::time::Duration;

use serde_json::Value;
use sigpost_store::Error;
use sigpost_store::runs::{self, Begun, Finish, NewRun, Pulse, Written};
use tokio::time::{Instant, sleep};

use super::Answer;
use super::pulse::LEASE;
use super::run::{Ended, Stop};
use crate::persistence::{BEGIN_PAUSES, FINISH_PAUSES, persistently};
use crate::{Job, JobContext};

/// First pause between two checks whether another run has ended, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Row of one run.
pub(super) struct Ledger {
    ctx: JobContext,
    pub(super) job_type: &'static str,
    /// Maximum time to wait for the end of another run.
    patience: Duration,
}

impl Ledger {
    pub(super) fn new<J: Job>(ctx: JobContext) -> Self {
        Self { ctx, job_type: J::TYPE, patience: J::TIMEOUT }
    }

    /// Acquires the lease on the message. An error ends the delivery.
    ///
    /// While another delivery of the message runs, waits for its end for up to the timeout of a run. An immediate rejection
    /// would consume retries, and a long run whose dispatcher crashed would become a dead letter although it completes.
    pub(super) async fn begin(&self, payload: &Value) -> Result<(), Answer> {
        let (message_id, job_type) = (&self.ctx.message_id, self.job_type);
        let give_up_at = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.try_to_begin(payload).await {
                Ok(Begun::Started) => return Ok(()),
                Ok(Begun::AlreadyCompleted(result)) => {
                    tracing::info!(message_id, job_type, "[jobs] Job was completed before");
                    return Err(Answer::Duplicate(result));
                }
                Ok(Begun::RunningElsewhere { retry_in }) if Instant::now() + pause >= give_up_at => {
                    tracing::info!(message_id, job_type, "[jobs] Job is running elsewhere");
                    return Err(Answer::RunningElsewhere { retry_in });
                }
                Ok(Begun::RunningElsewhere { .. }) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(why) => return Err(self.failed("begun", &why, Answer::NotBegun)),
            }
        }
    }

    async fn try_to_begin(&self, payload: &Value) -> Result<Begun, Error> {
        let JobContext { message_id, run_id, attempt, database, .. } = &self.ctx;
        let run = &NewRun {
            id: *run_id,
            message_id,
            original_message_id: self.ctx.original_message_id.as_deref(),
            job_type: self.job_type,
            attempt: i32::try_from(*attempt).unwrap_or(i32::MAX),
            payload,
            user_id: self.ctx.user_id.as_deref(),
            organization_id: self.ctx.organization_id.as_deref(),
            correlation_id: Some(&self.ctx.correlation_id),
            lease: LEASE,
        };
        persistently(&BEGIN_PAUSES, || async { runs::begin(&mut *database.connection().await?, run).await }).await
    }

    /// Renews the lease.
    pub(super) async fn heartbeat(&self) -> Result<Pulse, Error> {
        let JobContext { run_id, database, shared, .. } = &self.ctx;
        let message = shared.message.map(|id| id.0);
        let beat = async { runs::heartbeat(&mut *database.connection().await?, *run_id, message, LEASE).await };
        beat.await.inspect_err(|why| tracing::warn!(error = %why, "[jobs] A heartbeat failed"))
    }

    /// Records the end of the run. The response must match the record.
    pub(super) async fn finish(&self, ended: &Ended) -> Result<(), Answer> {
        let JobContext { message_id, run_id, database, shared, .. } = &self.ctx;
        let recorded = match ended {
            // The row belongs to another run now, or was deleted.
            Ended::Stopped(Stop::Lost) => return Ok(()),
            Ended::Done(_) if shared.committed.get().is_some() => return Ok(()),
            Ended::Done(outcome) => persistently(&FINISH_PAUSES, || self.ctx.complete(outcome)).await,
            failed => {
                let failed = Finish::Failed(failed.error().unwrap_or_default());
                let finish = || async { runs::end(&mut *database.connection().await?, *run_id, failed, None).await };
                persistently(&FINISH_PAUSES, finish).await
            }
        };
        match recorded {
            Ok(Written::Now | Written::Before) => Ok(()),
            Ok(Written::Not) => {
                tracing::warn!(message_id, job_type = self.job_type, "[jobs] The run had lost its lease");
                Err(Answer::Lost)
            }
            Err(why) => Err(self.failed("finished", &why, Answer::NotRecorded)),
        }
    }

    fn failed(&self, step: &str, why: &Error, away: Answer) -> Answer {
        let (message_id, job_type) = (&self.ctx.message_id, self.job_type);
        tracing::error!(message_id, job_type, error = %why, "[jobs] Job execution could not be {step}");
        if why.is_transient() { away } else { Answer::Internal }
    }
}
