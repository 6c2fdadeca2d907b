//! The final transaction of a run: rows of the handler, follow-up jobs and the end of the run, atomically.

use std::sync::PoisonError;

use jiff::Timestamp;
use sigpost_qstash::MessageId;
use sigpost_store::accept::{Arrival, LeaseTerms, accept};
use sigpost_store::runs::{Finish, Written, end};
use sigpost_store::{AsyncConnection, AsyncPgConnection, Error};

use crate::enqueue_in::new_message;
use crate::publication::Publication;
use crate::{EnqueueOptions, Invalid, Job, JobContext, JobError, Outcome};

impl JobContext {
    /// Completes the run in one transaction with the statements of `write` and the follow-up jobs of
    /// [`enqueue`](Self::enqueue). Call it last in a handler.
    ///
    /// ```no_run
    /// # use sigpost_jobs::{JobContext, JobError, Outcome};
    /// # async fn store_report(conn: &mut sigpost_store::AsyncPgConnection) -> Result<u32, JobError> { Ok(1) }
    /// # async fn run(ctx: &JobContext) -> Result<Outcome, JobError> {
    /// ctx.commit(async |conn| Ok(Outcome::with(store_report(conn).await?))).await
    /// # }
    /// ```
    ///
    /// The record of the run is written last and acts as a fence: if the lease is lost, the transaction is rolled back. So
    /// the rows are written exactly once, even if the message is delivered several times. `write` must not send requests.
    ///
    /// A handler without rows of its own returns its outcome instead, which takes one statement.
    ///
    /// # Errors
    ///
    /// The error of `write` or of the database; nothing is written then. If the connection fails during the commit, it is
    /// unknown whether it succeeded; the next delivery then finds out whether the job is completed.
    pub async fn commit<W>(&self, write: W) -> Result<Outcome, JobError>
    where
        for<'c> W: AsyncFnOnce(&'c mut AsyncPgConnection) -> Result<Outcome, JobError>
            + SendAsyncFnOnce<&'c mut AsyncPgConnection, Result<Outcome, JobError>, Future: Send>
            + Send,
    {
        let mut conn = self.database.connection().await?;
        let outcome = conn
            .transaction(async |conn| {
                let outcome = write(conn).await?;
                match self.conclude(conn, &outcome).await? {
                    Written::Now => Ok(outcome),
                    Written::Before | Written::Not => Err(JobError::retryable("the run lost its lease")),
                }
            })
            .await?;
        Ok(self.shared.committed.get_or_init(|| outcome).clone())
    }

    /// Enqueues a follow-up job. Its message is stored in the transaction that completes the run, so a failed run has no
    /// follow-up jobs, and none is stored twice. It inherits user, organization, correlation and trace unless the options
    /// set them.
    ///
    /// Returns its message ID, which is derived from the ID of this message and the number of the follow-up job. For a
    /// message of another dispatcher it is a new ID.
    ///
    /// # Errors
    ///
    /// The job or the options are invalid, or the run is already committed.
    pub fn enqueue<J: Job>(&self, job: &J, options: EnqueueOptions) -> Result<MessageId, Invalid> {
        if self.shared.committed.get().is_some() {
            return Err(Invalid::new("follow-up", "comes after the end of the run: enqueue before commit"));
        }
        let options = EnqueueOptions {
            user_id: options.user_id.or_else(|| self.user_id.clone()),
            organization_id: options.organization_id.or_else(|| self.organization_id.clone()),
            correlation_id: options.correlation_id.or_else(|| Some(self.correlation_id.clone())),
            traceparent: options.traceparent.or_else(|| self.traceparent.as_ref().map(ToString::to_string)),
            ..options
        };
        let publication = Publication::new(&self.shared.handlers, job, &options, Timestamp::now())?;
        let mut follow_ups = self.shared.follow_ups.lock().unwrap_or_else(PoisonError::into_inner);
        let number = u32::try_from(follow_ups.len()).unwrap_or(u32::MAX);
        let id = self.shared.message.map_or_else(MessageId::new, |parent| MessageId::of_follow_up(parent, number));
        follow_ups.push(new_message(id, publication, options.deduplication_window));
        Ok(id)
    }

    /// Writes the follow-up jobs and the end of the run. With follow-up jobs it requires a transaction.
    pub(crate) async fn conclude(&self, conn: &mut AsyncPgConnection, outcome: &Outcome) -> Result<Written, Error> {
        let arrivals = self.arrivals();
        if !arrivals.is_empty() {
            // Postgres sends the notification to the dispatchers at the commit.
            accept(conn, &arrivals, LeaseTerms::NONE, true).await?;
        }
        end(conn, self.run_id, Finish::Completed(outcome.0.as_ref()), self.shared.purge).await
    }

    /// Returns the follow-up jobs. They are not leased, because the lease would start before the commit.
    fn arrivals(&self) -> Vec<Arrival> {
        let follow_ups = self.shared.follow_ups.lock().unwrap_or_else(PoisonError::into_inner);
        follow_ups.iter().map(|new| Arrival { new: new.clone(), leased: false }).collect()
    }

    /// Records the end of a run that has not committed itself. It is idempotent.
    pub(crate) async fn complete(&self, outcome: &Outcome) -> Result<Written, Error> {
        let mut conn = self.database.connection().await?;
        let follows = !self.shared.follow_ups.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if !follows {
            return self.conclude(&mut conn, outcome).await;
        }
        let concluded = conn.transaction(async |conn| match self.conclude(conn, outcome).await? {
            Written::Not => Err(Rollback::Fenced),
            written => Ok(written),
        });
        match concluded.await {
            Ok(written) => Ok(written),
            Err(Rollback::Fenced) => Ok(Written::Not),
            Err(Rollback::Failed(why)) => Err(why),
        }
    }
}

/// An async closure whose future can be bounded by `Send`, which stable Rust cannot express yet. It is implemented for all
/// async closures.
pub trait SendAsyncFnOnce<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as SendAsyncFnOnce<T, R>>::Future {
    /// The returned future.
    type Future: Future<Output = R>;
}

impl<F, T, R, Fut> SendAsyncFnOnce<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Future = Fut;
}

/// Reason for a rollback.
enum Rollback {
    /// The run has lost its lease.
    Fenced,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Rollback {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
