//! The one transaction of an event.

use jiff::Timestamp;
use sigpost_jobs::{EnqueueError, EnqueueOptions, Handlers, Job, JobContext, JobError, enqueue_in};
use sigpost_store::activity_logs::{self, NewActivity};
use sigpost_store::stripe::{self, Customer, ProcessedEvent, SubscriptionState};
use sigpost_store::{AsyncConnection, AsyncPgConnection, Error};

use crate::event::Event;
use crate::reaction::react;
use crate::{Config, ProcessStripeWebhook};

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processed {
    /// Everything was done.
    Now,
    /// It had been processed before.
    Before,
    /// A later event about the same subscription was processed before it.
    Superseded,
    /// No such customer is known.
    UnknownCustomer,
}

/// Why nothing of an event was done.
pub(crate) enum Failure {
    Database(Error),
    Job(JobError),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

impl From<Failure> for JobError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => error.into(),
            Failure::Job(error) => error,
        }
    }
}

/// An event of a customer, and the circumstances of its run.
pub(crate) struct Processing<'a> {
    pub(crate) job: &'a ProcessStripeWebhook,
    pub(crate) event: &'a Event,
    pub(crate) customer_id: &'a str,
    pub(crate) config: &'a Config,
    pub(crate) handlers: &'a Handlers,
    pub(crate) ctx: &'a JobContext,
}

impl Processing<'_> {
    /// Does everything about the event, or nothing.
    pub(crate) async fn process(&self) -> Result<Processed, Failure> {
        let mut conn = self.ctx.database.connection().await?;
        conn.transaction(async |conn| self.in_transaction(conn).await).await
    }

    async fn in_transaction(&self, conn: &mut AsyncPgConnection) -> Result<Processed, Failure> {
        let now = Timestamp::now();
        let at = self.job.event_created.and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(now);
        let (id, kind, message_id) = (&self.job.event_id, &self.job.event_type, &self.ctx.message_id);
        // Before the event is remembered: when the customer is known one day, it may be sent again.
        let Some(customer) = stripe::find_customer(conn, self.customer_id).await? else {
            return Ok(Processed::UnknownCustomer);
        };
        if !stripe::remember_event(conn, ProcessedEvent { id, kind, at, message_id }).await? {
            return Ok(Processed::Before);
        }
        if !self.advance(conn, at).await? {
            return Ok(Processed::Superseded);
        }
        let reaction = react(self.event, &customer, self.config, at, now);
        let activity = NewActivity {
            organization_id: &customer.organization_id,
            user_id: &customer.owner_id,
            action: reaction.action,
            ip_address: self.job.ip_address.as_deref(),
            at,
        };
        activity_logs::insert(conn, &activity).await?;
        self.follow_up(conn, reaction.email, &customer).await?;
        self.follow_up(conn, reaction.notification, &customer).await?;
        Ok(Processed::Now)
    }

    /// Whether the event is not older than what is known; always, if it is not about a subscription's state.
    async fn advance(&self, conn: &mut AsyncPgConnection, at: Timestamp) -> Result<bool, Failure> {
        let Some((subscription, deleted)) = self.event.subscription() else { return Ok(true) };
        let state = SubscriptionState {
            id: &subscription.id,
            customer_id: self.customer_id,
            status: &subscription.status,
            deleted,
            product_id: subscription.product_id.as_deref(),
            plan_name: subscription.plan_name.as_deref(),
            event_id: &self.job.event_id,
            at,
        };
        Ok(stripe::advance(conn, state).await?)
    }

    async fn follow_up<J: Job>(
        &self,
        conn: &mut AsyncPgConnection,
        job: Option<J>,
        customer: &Customer,
    ) -> Result<(), Failure> {
        let Some(job) = job else { return Ok(()) };
        let options = EnqueueOptions {
            user_id: Some(customer.owner_id.clone()),
            organization_id: Some(customer.organization_id.clone()),
            ..EnqueueOptions::default()
        };
        match enqueue_in(conn, self.handlers, &job, options).await {
            Ok(_) => Ok(()),
            Err(EnqueueError::Database(why)) => Err(Failure::Database(why)),
            Err(why) => Err(Failure::Job(JobError::permanent(format!("{}: {why}", J::TYPE)))),
        }
    }
}
