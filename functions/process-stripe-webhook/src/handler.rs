//! The handler: selects supported events and processes them.

use serde_json::json;
use sigpost_jobs::payloads::ProcessStripeWebhook;
use sigpost_jobs::payloads::process_stripe_webhook::Event;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use crate::Config;
use crate::process::{Processed, Processing};

/// Handler of events of Stripe.
pub(crate) struct StripeProcessor {
    pub(crate) config: Config,
}

impl Handler for StripeProcessor {
    type Job = ProcessStripeWebhook;

    async fn run(&self, job: ProcessStripeWebhook, ctx: &JobContext) -> Result<Outcome, JobError> {
        let event = match Event::read(&job)? {
            Ok(event) => event,
            Err(reason) => {
                tracing::info!(event_id = job.event_id, event_type = job.event_type, reason, "Stripe event ignored");
                return Ok(left(&reason));
            }
        };
        let Some(customer_id) = event.customer_id.as_deref() else {
            tracing::warn!(event_id = job.event_id, event_type = job.event_type, "Stripe event ignored: no customer");
            return Ok(left("the event has no customer"));
        };
        let processing = Processing { job: &job, event: &event, customer_id, config: &self.config, ctx };
        ctx.commit(async |conn| Ok(outcome(processing.process(conn).await?, &job, customer_id))).await
    }
}

fn outcome(processed: Processed, job: &ProcessStripeWebhook, customer_id: &str) -> Outcome {
    match processed {
        Processed::Now => Outcome::with(json!({ "processed": true })),
        Processed::Before => left("the event has already been processed"),
        Processed::Superseded => left("a later event of the subscription has already been processed"),
        Processed::UnknownCustomer => {
            let event_id = &job.event_id;
            tracing::warn!(event_id, customer_id, "Stripe event ignored: unknown customer");
            left(&format!("unknown customer {customer_id}"))
        }
    }
}

fn left(reason: &str) -> Outcome {
    Outcome::with(json!({ "processed": false, "reason": reason }))
}
