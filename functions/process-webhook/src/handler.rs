//! The handler: calls the processor of the source.

use sigpost_jobs::payloads::ProcessWebhook;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use crate::Processors;

/// Handler of webhooks.
pub(crate) struct WebhookProcessor {
    pub(crate) processors: Processors,
}

impl Handler for WebhookProcessor {
    type Job = ProcessWebhook;

    async fn run(&self, webhook: ProcessWebhook, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.processors.of(&webhook.source)?.process(&webhook, ctx).await
    }
}
