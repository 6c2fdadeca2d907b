//! The handler: renders, sends and records e-mails.

use anyhow::Result;
use serde_json::json;
use sigpost_jobs::payloads::SendEmail;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::email_logs::{self, SentEmail};

use crate::mailer::Mailer;
use crate::{Brand, Config, render};

/// Sends the e-mails of one deployment.
pub(crate) struct EmailSender {
    mailer: Mailer,
    brand: Brand,
}

impl EmailSender {
    pub(crate) fn new(config: Config) -> Result<Self> {
        let brand = config.brand.clone();
        Ok(Self { mailer: Mailer::new(config)?, brand })
    }
}

impl Handler for EmailSender {
    type Job = SendEmail;

    async fn run(&self, job: SendEmail, ctx: &JobContext) -> Result<Outcome, JobError> {
        let email = render(&job.email_data()?, &self.brand);
        let Some(email_id) = self.mailer.send(&email, &job, ctx).await? else {
            let reason = "not sent: RESEND_API_KEY is not set";
            return Ok(Outcome::with(json!({ "delivered": false, "reason": reason })));
        };
        let (recipient, scheduled_at) = (job.everybody(), job.scheduled_at.map(|at| at.to_string()));
        ctx.commit(async |conn| {
            let sent = SentEmail {
                email_id: &email_id,
                provider: "resend",
                recipient: &recipient,
                template: email.template,
                subject: &email.subject,
                message_id: &ctx.message_id,
                scheduled_at: scheduled_at.as_deref(),
            };
            email_logs::insert(conn, sent).await?;
            Ok(Outcome::with(json!({ "delivered": true, "emailId": email_id })))
        })
        .await
    }
}
