//! The job: an event of Stripe.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sigpost_jobs::{Invalid, Job};

use crate::event::Event;

/// The longest id and type, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Does what an event of Stripe asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStripeWebhook {
    /// The event's `type`, e.g. `invoice.payment_failed`. Other types than those of the handler's documentation are ignored.
    pub event_type: String,
    /// The event's `id`: what makes it happen once.
    pub event_id: String,
    /// The event's `data.object`.
    pub event_data: Map<String, Value>,
    /// The event's `created`, in seconds since 1970: what orders it. Default: when it is processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_created: Option<i64>,
    /// The customer (`cus_...`), where `eventData` names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The subscription (`sub_...`), for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// Where the event came from, for the log of activities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
}

impl Job for ProcessStripeWebhook {
    const TYPE: &'static str = "process-stripe-webhook";
    const ENDPOINT: &'static str = "/api/jobs/stripe-webhook";
    const RETRIES: u32 = 5;
    const TIMEOUT: Duration = Duration::from_secs(120);

    fn validate(&self) -> Result<(), Invalid> {
        check_name("eventType", &self.event_type)?;
        check_name("eventId", &self.event_id)?;
        for (name, text) in [
            ("customerId", &self.customer_id),
            ("subscriptionId", &self.subscription_id),
            ("ipAddress", &self.ip_address),
        ] {
            text.as_deref().map_or(Ok(()), |text| check_name(name, text))?;
        }
        if self.event_created.is_some_and(|at| !(0..=253_402_300_799).contains(&at)) {
            return Err(Invalid::new("eventCreated", "must be seconds since 1970"));
        }
        Event::read(self).map(|_| ())
    }
}

fn check_name(field: &str, text: &str) -> Result<(), Invalid> {
    if text.is_empty() || text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
        return Err(Invalid::new(field, format!("must be 1 to {MAX_NAME_BYTES} bytes without control characters")));
    }
    Ok(())
}
