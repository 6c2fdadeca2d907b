//! Runs the handler until it returns, times out, or is stopped.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::{Handler, Job, JobContext, JobError, Outcome};

/// Maximum time to wait until a handler has stopped. It stops at its next await point; a computation without await
/// points cannot be stopped.
const STOPPING: Duration = Duration::from_secs(1);

/// Time that a cancelled handler has to clean up.
const NOTICE: Duration = Duration::from_secs(5);

/// End of a run.
#[derive(Debug, PartialEq)]
pub(super) enum Ended {
    /// The handler completed the job.
    Done(Outcome),
    /// The handler said no, panicked or took too long.
    Failed(JobError),
    /// The handler was stopped.
    Stopped(Stop),
}

/// Reason to stop a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The lease is lost; another run may have started.
    Lost,
    /// The message was cancelled.
    Cancelled,
    /// The process is stopping.
    Stopping,
}

impl Ended {
    /// Returns the error; `None` if the job is completed.
    pub(super) fn error(&self) -> Option<&str> {
        match self {
            Self::Done(_) => None,
            Self::Failed(JobError::Retryable(why) | JobError::RetryAfter(_, why) | JobError::Permanent(why)) => {
                Some(why)
            }
            Self::Stopped(Stop::Lost) => Some("the run lost its lease"),
            Self::Stopped(Stop::Cancelled) => Some("the message was cancelled"),
            Self::Stopped(Stop::Stopping) => Some("the process was stopped"),
        }
    }
}

/// Runs the handler on a task of its own, so that neither a panic nor a computation without await
/// points reaches the heartbeat. `pulse` completes when the run must stop.
///
/// A handler that must stop is cancelled and has up to [`NOTICE`] to return; its result then counts. After the loss of the
/// lease it is stopped immediately, because another run may have started.
pub(super) async fn run<H: Handler>(
    handler: Arc<H>,
    job: H::Job,
    ctx: JobContext,
    pulse: impl Future<Output = Stop>,
    stopping: &CancellationToken,
) -> Ended {
    let message_id = ctx.message_id.clone();
    let cancelled = ctx.cancellation();
    // Cancels the token on every exit of this function.
    let _ended = cancelled.clone().drop_guard();
    let deadline = Instant::now() + H::Job::TIMEOUT;
    let _ = ctx.shared.deadline.set(deadline);
    let work = async move { handler.run(job, &ctx).await }.in_current_span();
    let mut work = AbortOnDropHandle::new(tokio::spawn(work));

    let ended = tokio::select! {
        // A completed job counts even if it times out at the same moment.
        biased;
        done = &mut work => return result(done, &message_id),
        stop = pulse => Ended::Stopped(stop),
        () = stopping.cancelled() => Ended::Stopped(Stop::Stopping),
        () = sleep_until(deadline - notice(H::Job::TIMEOUT)) => {
            Ended::Failed(JobError::Retryable(format!("timed out after {:?}", H::Job::TIMEOUT)))
        }
    };
    cancelled.cancel();
    // The last heartbeat was at most 10 s ago, and the lease is longer than both times together.
    if ended != Ended::Stopped(Stop::Lost)
        && let Ok(done) = timeout_at(deadline.min(Instant::now() + NOTICE), &mut work).await
    {
        return match (result(done, &message_id), ended) {
            (Ended::Failed(_), Ended::Stopped(stop)) => Ended::Stopped(stop),
            (Ended::Failed(JobError::Retryable(why)), Ended::Failed(JobError::Retryable(out_of_time))) => {
                Ended::Failed(JobError::Retryable(format!("{out_of_time}: {why}")))
            }
            (by_itself, _) => by_itself,
        };
    }
    work.abort();
    if timeout(STOPPING, work).await.is_err() {
        tracing::warn!(message_id, job_type = H::Job::TYPE, "[jobs] Handler did not stop: it has no await point");
    }
    ended
}

/// Returns the time before its timeout at which a handler is cancelled.
fn notice(timeout: Duration) -> Duration {
    NOTICE.min(timeout / 5)
}

fn result(done: Result<Result<Outcome, JobError>, JoinError>, message_id: &str) -> Ended {
    match done {
        Ok(Ok(outcome)) => Ended::Done(outcome),
        Ok(Err(error)) => Ended::Failed(error.redacted()),
        Err(why) => {
            // Panic messages may contain internal data, so they are only logged.
            let panic = why.try_into_panic().map_or("cancelled".into(), |panic| panic_text(&*panic));
            tracing::error!(message_id, panic, "[jobs] The handler panicked");
            Ended::Failed(JobError::Retryable("the handler panicked".into()))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a text".into())
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use serde::{Deserialize, Serialize};
    use sigpost_store::Database;
    use tokio::time::sleep;
    use uuid::Uuid;

    use super::*;
    use crate::Handlers;
    use crate::context::Shared;

    #[derive(Serialize, Deserialize)]
    enum Act {
        Succeed,
        Fail,
        Panic,
        Hang,
        LeaveOff,
        GiveUp,
    }

    impl Job for Act {
        const TYPE: &'static str = "act";
        const ENDPOINT: &'static str = "/api/jobs/act";
    }

    struct Actor;

    impl Handler for Actor {
        type Job = Act;

        async fn run(&self, job: Act, ctx: &JobContext) -> Result<Outcome, JobError> {
            match job {
                Act::Succeed => Ok(Outcome::with(7)),
                Act::Fail => Err(JobError::permanent("hopeless")),
                Act::Panic => panic!("secret detail"),
                Act::Hang => pending().await,
                Act::LeaveOff => {
                    ctx.cancelled().await;
                    Ok(Outcome::with("left off"))
                }
                Act::GiveUp => {
                    ctx.cancelled().await;
                    Err(JobError::retryable("half done"))
                }
            }
        }
    }

    async fn ended(job: Act, pulse: impl Future<Output = Stop>) -> (Ended, JobContext) {
        let handlers = Handlers::at("https://a.example").expect("a URL");
        let ctx = JobContext {
            message_id: "msg_1".into(),
            original_message_id: None,
            run_id: Uuid::now_v7(),
            attempt: 1,
            user_id: None,
            organization_id: None,
            correlation_id: "msg_1".into(),
            traceparent: None,
            database: Database::new("postgres://user@127.0.0.1:1/none", 1).expect("no connection is made"),
            shared: Shared::new::<Act>("msg_1", handlers),
        };
        (run(Arc::new(Actor), job, ctx.clone(), pulse, &CancellationToken::new()).await, ctx)
    }

    async fn after_10_s(stop: Stop) -> Stop {
        sleep(Duration::from_secs(10)).await;
        stop
    }

    #[tokio::test(start_paused = true)]
    async fn handler_ends_the_run() {
        assert_eq!(ended(Act::Succeed, pending()).await.0, Ended::Done(Outcome::with(7)));
        assert_eq!(ended(Act::Fail, pending()).await.0, Ended::Failed(JobError::permanent("hopeless")));
    }

    #[tokio::test(start_paused = true)]
    async fn panic_is_a_failure_that_tells_nothing() {
        assert_eq!(ended(Act::Panic, pending()).await.0, Ended::Failed(JobError::retryable("the handler panicked")));
    }

    #[tokio::test(start_paused = true)]
    async fn handler_out_of_time_is_stopped() {
        let began = Instant::now();
        let (ended, ctx) = ended(Act::Hang, pending()).await;
        assert_eq!(ended, Ended::Failed(JobError::retryable("timed out after 30s")));
        assert!(ctx.is_cancelled());
        assert_eq!(began.elapsed().as_secs(), 30);
        let (ended, _) = self::ended(Act::GiveUp, pending()).await;
        assert_eq!(ended, Ended::Failed(JobError::retryable("timed out after 30s: half done")));
    }

    #[tokio::test(start_paused = true)]
    async fn handler_that_must_leave_off_has_a_moment_to_do_so() {
        let began = Instant::now();
        assert_eq!(ended(Act::LeaveOff, pending()).await.0, Ended::Done(Outcome::with("left off")));
        assert_eq!(began.elapsed().as_secs(), 25, "before its time is up");
        assert_eq!(ended(Act::LeaveOff, after_10_s(Stop::Cancelled)).await.0, Ended::Done(Outcome::with("left off")));
        let began = Instant::now();
        assert_eq!(ended(Act::Hang, after_10_s(Stop::Cancelled)).await.0, Ended::Stopped(Stop::Cancelled));
        assert_eq!(began.elapsed().as_secs(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn handler_without_a_lease_is_stopped() {
        let began = Instant::now();
        let (ended, ctx) = ended(Act::Hang, after_10_s(Stop::Lost)).await;
        assert_eq!(ended, Ended::Stopped(Stop::Lost));
        assert!(ctx.is_cancelled());
        assert_eq!(began.elapsed().as_secs(), 10, "at once");
    }
}
