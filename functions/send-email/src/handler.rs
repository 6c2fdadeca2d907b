//! Render, then send.

use anyhow::Result;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use crate::mailer::Mailer;
use crate::{Brand, Config, SendEmail, Template};

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
        let email = Template::named(&job.template)?.render(&job.data, &self.brand)?;
        self.mailer.send(email, job.to, ctx).await
    }
}
