//! Sends rendered e-mails to Resend or to the log.

use anyhow::Result;
use sigpost_jobs::payloads::SendEmail;
use sigpost_jobs::{JobContext, JobError};

use crate::Email;
use crate::config::{Config, Transport};
use crate::resend::{Resend, spread};

/// Sender of e-mails for the configured transport.
pub(crate) enum Mailer {
    Resend(Resend),
    Log,
}

impl Mailer {
    pub(crate) fn new(config: Config) -> Result<Self> {
        let Config { transport, from, reply_to, .. } = config;
        match transport {
            Transport::Resend { api_key, base_url } => {
                Resend::new(api_key, &base_url, &from, reply_to.as_deref()).map(Self::Resend)
            }
            Transport::Log => Ok(Self::Log),
        }
    }

    /// Sends the e-mail once across all attempts of a message. Returns the provider's ID of the e-mail; `None` with the
    /// transport [`Transport::Log`].
    pub(crate) async fn send(
        &self,
        email: &Email,
        job: &SendEmail,
        ctx: &JobContext,
    ) -> Result<Option<String>, JobError> {
        match self {
            Self::Resend(resend) => {
                let email_id = ctx.once("send-email", |key| resend.send(email, job, key)).await;
                email_id.map(Some).map_err(|error| spread(error, ctx.attempt, ctx.run_id.as_u128()))
            }
            Self::Log => {
                let Email { template, subject, .. } = email;
                tracing::info!(
                    template,
                    subject,
                    recipients = job.to.len() + job.cc.len() + job.bcc.len(),
                    "[email] not sent: RESEND_API_KEY is not set"
                );
                Ok(None)
            }
        }
    }
}
