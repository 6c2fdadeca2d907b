//! Interface of a processor.

use futures_util::future::BoxFuture;
use sigpost_jobs::payloads::ProcessWebhook;
use sigpost_jobs::{JobContext, JobError, Outcome};

/// Processes the webhooks of one source.
pub trait Processor: Send + Sync + 'static {
    /// Processes a webhook. As with any handler, it may be called again for the same message.
    ///
    /// Return a permanent error for an unknown event.
    fn process<'a>(
        &'a self,
        webhook: &'a ProcessWebhook,
        ctx: &'a JobContext,
    ) -> BoxFuture<'a, Result<Outcome, JobError>>;
}
