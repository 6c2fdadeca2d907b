//! `process-stripe-webhook`: processes an event of Stripe.

mod event;
mod fields;

use std::time::Duration;

pub use event::{Amount, Event, Subscription, What};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Invalid, Job};

/// Maximum length of IDs and types in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Processes an event of Stripe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStripeWebhook {
    /// The event's `type`, for example `invoice.payment_failed`. Unsupported types are ignored.
    pub event_type: String,
    /// The event's `id`. An event with the same ID is processed once.
    pub event_id: String,
    /// The event's `data.object`.
    pub event_data: Map<String, Value>,
    /// The event's `created` in seconds since 1970, which orders events. Default: the time of processing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_created: Option<i64>,
    /// Customer ID (`cus_...`), used if `eventData` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Subscription ID (`sub_...`), informational.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// IP address of the sender, for the activity log.
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
