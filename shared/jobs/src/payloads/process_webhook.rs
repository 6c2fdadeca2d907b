//! `process-webhook`: processes a webhook of a third party.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Invalid, Job};

/// Maximum length of source and event in bytes.
const MAX_NAME_BYTES: usize = 100;

/// Processes a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessWebhook {
    /// Source, for example `resend`. It selects the processor.
    pub source: String,
    /// Event type of the source, for example `email.delivered`.
    pub event: String,
    /// Data of the event, as sent by the source.
    pub data: Map<String, Value>,
    /// Signature of the webhook. The receiver has verified it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Time of the event. Default: the time of processing.
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
