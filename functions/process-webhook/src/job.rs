//! The job: what a third party has told.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sigpost_jobs::{Invalid, Job};

/// The longest source and event, in bytes.
const MAX_NAME_BYTES: usize = 100;

/// Processes a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessWebhook {
    /// Who told it, e.g. `resend`: decides who processes it.
    pub source: String,
    /// What it is about, in the source's words, e.g. `email.delivered`.
    pub event: String,
    /// The details, as the source has them.
    pub data: Map<String, Value>,
    /// The signature it came with. Whoever received it has verified it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// When it happened. Default: when it is processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
}

impl Job for ProcessWebhook {
    const TYPE: &'static str = "process-webhook";
    const ENDPOINT: &'static str = "/api/jobs/webhook";
    const RETRIES: u32 = 5;
    const TIMEOUT: Duration = Duration::from_secs(60);

    fn validate(&self) -> Result<(), Invalid> {
        for (name, text) in [("source", &self.source), ("event", &self.event)] {
            if text.is_empty() || text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
                let reason = format!("must be 1 to {MAX_NAME_BYTES} bytes without control characters");
                return Err(Invalid::new(name, reason));
            }
        }
        Ok(())
    }
}
