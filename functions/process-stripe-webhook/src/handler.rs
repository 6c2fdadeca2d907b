//! Which events there is something to do about.

use serde_json::json;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use crate::event::Event;
use crate::process::{Processed, Processing};
use crate::{Config, ProcessStripeWebhook};

/// Keeps the deployment's database in step with Stripe.
pub(crate) struct StripeProcessor {
    pub(crate) config: Config,
}

impl Handler for StripeProcessor {
    type Job = ProcessStripeWebhook;

    async fn run(&self, job: ProcessStripeWebhook, ctx: &JobContext) -> Result<Outcome, JobError> {
        let event = match Event::read(&job)? {
            Ok(event) => event,
            Err(reason) => {
                tracing::info!(
                    event_id = job.event_id,
                    event_type = job.event_type,
                    reason,
                    "a Stripe event is ignored"
                );
                return Ok(left(&reason));
            }
        };
        let Some(customer_id) = event.customer_id.as_deref() else {
            tracing::warn!(event_id = job.event_id, event_type = job.event_type, "a Stripe event is about no customer");
            return Ok(left("the event is about no customer"));
        };
        let processing = Processing { job: &job, event: &event, customer_id, config: &self.config, ctx };
        ctx.commit(async |conn| Ok(outcome(processing.process(conn).await?, &job, customer_id))).await
    }
}

fn outcome(processed: Processed, job: &ProcessStripeWebhook, customer_id: &str) -> Outcome {
    match processed {
        Processed::Now => Outcome::with(json!({ "processed": true })),
        Processed::Before => left("it was processed before"),
        Processed::Superseded => left("a later event about the subscription was processed before it"),
        Processed::UnknownCustomer => {
            let event_id = &job.event_id;
            tracing::warn!(event_id, customer_id, "a Stripe event is about a customer that is not known");
            left(&format!("the customer {customer_id} is not known"))
        }
    }
}

fn left(reason: &str) -> Outcome {
    Outcome::with(json!({ "processed": false, "reason": reason }))
}
