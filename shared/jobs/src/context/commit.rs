//! The finishing transaction: rows of the handler's own, follow-up jobs and the end of the run,
//! together or not at all.

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
    /// Ends the run as completed, in one transaction with what `write` writes and with the follow-up
    /// jobs of [`enqueue`](Self::enqueue): the last thing that a handler does.
    ///
    /// ```no_run
    /// # use sigpost_jobs::{JobContext, JobError, Outcome};
    /// # async fn store_report(conn: &mut sigpost_store::AsyncPgConnection) -> Result<u32, JobError> { Ok(1) }
    /// # async fn run(ctx: &JobContext) -> Result<Outcome, JobError> {
    /// ctx.commit(async |conn| Ok(Outcome::with(store_report(conn).await?))).await
    /// # }
    /// ```
    ///
    /// The record of the run is written last and is the fence: when the lease is lost, everything is
    /// rolled back. So what `write` writes is written exactly once, however often the message is
    /// delivered. Only statements belong in it, no request to anybody.
    ///
    /// A handler without rows of its own just returns its outcome: that costs one statement.
    ///
    /// # Errors
    ///
    /// What `write` returns, or the database's; nothing is written then. A connection that breaks
    /// during the commit leaves it open whether it was: if so, the next delivery learns that the job
    /// is done.
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

    /// Enqueues a job for when this run has completed: the message is stored in the transaction that
    /// records the run as completed, so a run that fails has no follow-ups, and no follow-up is stored
    /// twice. It inherits user, organization, correlation and trace where the options name none.
    ///
    /// Returns the message it will be; its id is made from this message's and the number of the
    /// follow-up (for a message of another dispatcher it is a fresh one).
    ///
    /// # Errors
    ///
    /// The job or the options are wrong, or the run has been committed already.
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

    /// Writes the follow-ups and the end of the run. Unless there are none it needs a transaction.
    pub(crate) async fn conclude(&self, conn: &mut AsyncPgConnection, outcome: &Outcome) -> Result<Written, Error> {
        let arrivals = self.arrivals();
        if !arrivals.is_empty() {
            // The notification wakes the dispatchers at the commit.
            accept(conn, &arrivals, LeaseTerms::NONE, true).await?;
        }
        end(conn, self.run_id, Finish::Completed(outcome.0.as_ref()), self.shared.purge).await
    }

    /// Never leased here: the lease would be running before the commit.
    fn arrivals(&self) -> Vec<Arrival> {
        let follow_ups = self.shared.follow_ups.lock().unwrap_or_else(PoisonError::into_inner);
        follow_ups.iter().map(|new| Arrival { new: new.clone(), leased: false }).collect()
    }

    /// Records the end of a run that has not done so itself. Asking again is harmless.
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

/// An async closure whose future can be told to be `Send`, which stable Rust has no words for yet.
/// Every async closure is one; nobody implements it.
pub trait SendAsyncFnOnce<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as SendAsyncFnOnce<T, R>>::Future {
    /// What it returns when it is called.
    type Future: Future<Output = R>;
}

impl<F, T, R, Fut> SendAsyncFnOnce<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Future = Fut;
}

/// Why a transaction is rolled back.
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
