//! The run's row in `job_executions`: begun before the work, kept alive during it, ended after it.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use sigpost_qstash::MessageId;
use sigpost_store::runs::{self, Begun, Finish, NewRun, Pulse};
use sigpost_store::{Database, Error};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::Answer;
use super::pulse::LEASE;
use super::run::{Ended, Stop};
use crate::{Job, JobContext};

/// A statement without an answer for this long counts as one to a database that is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tries to begin: a pooled connection whose server was restarted shows itself only when it is used.
/// The job is not run without a record, and a delivery that was refused costs the message a retry.
const BEGIN_PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(250)];
/// Between two looks whether another run has ended, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Tries to finish. The work is done; forgetting it would do it again.
const FINISH_PAUSES: [Duration; 4] =
    [Duration::from_millis(20), Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];

/// One run's row, and what log lines about it say.
pub(super) struct Ledger {
    database: Database,
    run_id: Uuid,
    /// Set when the message is one of ours: only those can be found cancelled.
    message: Option<Uuid>,
    pub(super) message_id: String,
    pub(super) job_type: &'static str,
    pub(super) attempt: u32,
    /// How long to wait for the end of another run.
    patience: Duration,
}

impl Ledger {
    pub(super) fn new<J: Job>(ctx: &JobContext) -> Self {
        Self {
            database: ctx.database.clone(),
            run_id: ctx.run_id,
            message: ctx.message_id.parse().ok().map(|MessageId(id)| id),
            message_id: ctx.message_id.clone(),
            job_type: J::TYPE,
            attempt: ctx.attempt,
            patience: J::TIMEOUT,
        }
    }

    /// Takes the lease on the message. Anything but success is the end of the delivery.
    ///
    /// While another delivery is at it, this one waits for its end, for as long as a run may take: a
    /// refusal would cost the message a retry each time, and a long run whose dispatcher was killed
    /// would end as a dead letter although it completes.
    pub(super) async fn begin(&self, ctx: &JobContext, payload: &Value) -> Result<(), Answer> {
        let Self { message_id, job_type, .. } = self;
        let give_up_at = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.try_to_begin(ctx, payload).await {
                Ok(Begun::Started) => return Ok(()),
                Ok(Begun::AlreadyCompleted) => {
                    tracing::info!(message_id, job_type, "[jobs] Job was completed before");
                    return Err(Answer::Duplicate);
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

    async fn try_to_begin(&self, ctx: &JobContext, payload: &Value) -> Result<Begun, Error> {
        let run = &NewRun {
            id: self.run_id,
            message_id: &self.message_id,
            job_type: self.job_type,
            attempt: i32::try_from(self.attempt).unwrap_or(i32::MAX),
            payload,
            user_id: ctx.user_id.as_deref(),
            organization_id: ctx.organization_id.as_deref(),
            lease: LEASE,
        };
        persistently(&BEGIN_PAUSES, || async { runs::begin(&mut *self.database.connection().await?, run).await }).await
    }

    /// Prolongs the lease.
    pub(super) async fn heartbeat(&self) -> Result<Pulse, Error> {
        let beat =
            async { runs::heartbeat(&mut *self.database.connection().await?, self.run_id, self.message, LEASE).await };
        beat.await.inspect_err(|why| {
            let Self { message_id, job_type, .. } = self;
            tracing::warn!(message_id, job_type, error = %why, "[jobs] A heartbeat failed");
        })
    }

    /// Records the end. Only what is recorded may be answered.
    pub(super) async fn finish(&self, ended: &Ended) -> Result<(), Answer> {
        let Self { message_id, job_type, .. } = self;
        let finish = match ended {
            // The row is another run's business now, or nobody's.
            Ended::Stopped(Stop::Lost) => return Ok(()),
            Ended::Done(outcome) => Finish::Completed(outcome.0.as_ref()),
            failed => Finish::Failed(failed.error().unwrap_or_default()),
        };
        let recorded = persistently(&FINISH_PAUSES, || async {
            runs::finish(&mut *self.database.connection().await?, self.run_id, finish).await
        });
        match recorded.await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::warn!(message_id, job_type, "[jobs] The run had lost its lease");
                Err(Answer::Lost)
            }
            Err(why) => Err(self.failed("finished", &why, Answer::NotRecorded)),
        }
    }

    fn failed(&self, step: &str, why: &Error, away: Answer) -> Answer {
        let Self { message_id, job_type, .. } = self;
        tracing::error!(message_id, job_type, error = %why, "[jobs] Job execution could not be {step}");
        if why.is_unavailable() { away } else { Answer::Internal }
    }
}

/// Does it again after each pause for as long as the database is away.
async fn persistently<T, F>(pauses: &[Duration], mut ask: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for pause in pauses {
        match patiently(ask()).await {
            Err(why) if why.is_unavailable() => sleep(*pause).await,
            answer => return answer,
        }
    }
    patiently(ask()).await
}

async fn patiently<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::Unavailable(format!("no answer within {PATIENCE:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often the database was asked, when it is away for the first `away` times.
    async fn asked(away: usize) -> (Result<usize, Error>, usize) {
        let asked = Cell::new(0);
        let answer = persistently(&FINISH_PAUSES, || {
            asked.set(asked.get() + 1);
            let answer = if asked.get() > away { Ok(asked.get()) } else { Err(Error::Unavailable("away".into())) };
            async move { answer }
        })
        .await;
        (answer, asked.get())
    }

    #[tokio::test(start_paused = true)]
    async fn absent_database_is_asked_again_a_few_times() {
        assert!(matches!(asked(0).await, (Ok(1), 1)));
        assert!(matches!(asked(4).await, (Ok(5), 5)));
        assert!(matches!(asked(9).await, (Err(Error::Unavailable(_)), 5)));
    }

    #[tokio::test(start_paused = true)]
    async fn refusal_is_not_asked_again() {
        let asked = Cell::new(0);
        let answer: Result<(), Error> = persistently(&FINISH_PAUSES, || {
            asked.set(asked.get() + 1);
            async { Err(Error::Refused("no".into())) }
        })
        .await;
        assert!(matches!(answer, Err(Error::Refused(_))));
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_as_absence() {
        let answer: Result<(), Error> = patiently(std::future::pending()).await;
        assert!(answer.is_err_and(|why| why.is_unavailable()));
    }
}
