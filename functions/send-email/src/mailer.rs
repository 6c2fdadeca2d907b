//! Where a rendered e-mail goes: to Resend, or to the log.

use anyhow::Result;
use sigpost_jobs::{JobContext, JobError};

use crate::config::{Config, Transport};
use crate::resend::{Resend, spread};
use crate::{Email, SendEmail};

/// Sends e-mails in the way that the configuration names.
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

    /// Sends it once, however often it is called for the same message. Returns the mail service's id of it;
    /// none if there is no mail service.
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
                    "[email] rendered and not sent: RESEND_API_KEY is not set"
                );
                Ok(None)
            }
        }
    }
}
