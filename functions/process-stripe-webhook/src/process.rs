//! Processing of an event, in the transaction that completes its run.

use jiff::Timestamp;
use sigpost_jobs::payloads::ProcessStripeWebhook;
use sigpost_jobs::payloads::process_stripe_webhook::Event;
use sigpost_jobs::{EnqueueOptions, Job, JobContext, JobError};
use sigpost_store::AsyncPgConnection;
use sigpost_store::activity_logs::{self, NewActivity};
use sigpost_store::stripe::{self, Customer, ProcessedEvent, SubscriptionState};

use crate::Config;
use crate::reaction::react;

/// Result of processing an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processed {
    /// The event was processed.
    Now,
    /// The event had been processed before.
    Before,
    /// A later event of the same subscription had been processed.
    Superseded,
    /// The customer is unknown.
    UnknownCustomer,
}

/// An event of a customer and the context of its run.
pub(crate) struct Processing<'a> {
    pub(crate) job: &'a ProcessStripeWebhook,
    pub(crate) event: &'a Event,
    pub(crate) customer_id: &'a str,
    pub(crate) config: &'a Config,
    pub(crate) ctx: &'a JobContext,
}

impl Processing<'_> {
    /// Processes the event. Its follow-up jobs are stored with the commit of the run.
    pub(crate) async fn process(&self, conn: &mut AsyncPgConnection) -> Result<Processed, JobError> {
        let now = Timestamp::now();
        let at = self.job.event_created.and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(now);
        let (id, kind, message_id) = (&self.job.event_id, &self.job.event_type, &self.ctx.message_id);
        // Before the event is recorded, so that it can be sent again when the customer is known.
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
        self.follow_up(reaction.email, &customer)?;
        self.follow_up(reaction.notification, &customer)?;
        Ok(Processed::Now)
    }

    /// Updates the subscription. Returns false if the event is older than the stored state; true if it has no subscription.
    async fn advance(&self, conn: &mut AsyncPgConnection, at: Timestamp) -> Result<bool, JobError> {
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

    fn follow_up<J: Job>(&self, job: Option<J>, customer: &Customer) -> Result<(), JobError> {
        let Some(job) = job else { return Ok(()) };
        let options = EnqueueOptions {
            user_id: Some(customer.owner_id.clone()),
            organization_id: Some(customer.organization_id.clone()),
            ..EnqueueOptions::default()
        };
        let enqueued = self.ctx.enqueue(&job, options);
        enqueued.map(|_| ()).map_err(|why| JobError::permanent(format!("{}: {why}", J::TYPE)))
    }
}
