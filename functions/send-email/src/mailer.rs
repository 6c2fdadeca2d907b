//! Where a rendered e-mail goes: to Resend, or to the log.

use anyhow::Result;
use serde_json::json;
use sigpost_jobs::{JobContext, JobError, Outcome};

use crate::Email;
use crate::config::{Config, Transport};
use crate::resend::{Resend, spread};

/// Sends e-mails in the way that the configuration names.
pub(crate) enum Mailer {
    Resend(Resend),
    Log,
}

impl Mailer {
    pub(crate) fn new(config: Config) -> Result<Self> {
        let Config { transport, from, reply_to, .. } = config;
        match transport {
            Transport::Resend { api_key, base_url } => Resend::new(api_key, base_url, from, reply_to).map(Self::Resend),
            Transport::Log => Ok(Self::Log),
        }
    }

    /// Sends it once, however often it is called for the same message.
    pub(crate) async fn send(&self, email: Email, to: Vec<String>, ctx: &JobContext) -> Result<Outcome, JobError> {
        match self {
            Self::Resend(resend) => {
                let email_id = ctx.once("send-email", |key| resend.send(email, to, key)).await;
                let email_id = email_id.map_err(|error| spread(error, ctx.attempt, ctx.run_id.as_u128()))?;
                Ok(Outcome::with(json!({ "delivered": true, "emailId": email_id })))
            }
            Self::Log => {
                let Email { template, subject, .. } = email;
                tracing::info!(
                    template,
                    subject,
                    recipients = to.len(),
                    "[email] rendered and not sent: RESEND_API_KEY is not set"
                );
                let reason = "RESEND_API_KEY is not set: rendered and logged only";
                Ok(Outcome::with(json!({ "delivered": false, "reason": reason })))
            }
        }
    }
}
