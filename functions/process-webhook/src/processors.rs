//! Who processes what comes from whom.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use sigpost_jobs::{JobContext, JobError, Outcome};

use crate::ProcessWebhook;
use crate::resend::Resend;

/// Processes the webhooks of one source.
pub trait Processor: Send + Sync + 'static {
    /// Does what the webhook asks for. As with any handler it may be called again for the same message.
    ///
    /// An event that it does not know is a permanent error, not a success.
    fn process<'a>(
        &'a self,
        webhook: &'a ProcessWebhook,
        ctx: &'a JobContext,
    ) -> BoxFuture<'a, Result<Outcome, JobError>>;
}

/// The processors, by the name of their source.
pub struct Processors(BTreeMap<String, Box<dyn Processor>>);

/// With those that are here.
impl Default for Processors {
    fn default() -> Self {
        Self::none().with("resend", Resend)
    }
}

impl Processors {
    /// Without any.
    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// With this one for the webhooks of `source`, in the place of one that was there.
    #[must_use]
    pub fn with(mut self, source: impl Into<String>, processor: impl Processor) -> Self {
        self.0.insert(source.into(), Box::new(processor));
        self
    }

    /// The one for a source.
    pub(crate) fn of(&self, source: &str) -> Result<&dyn Processor, JobError> {
        self.0.get(source).map(Box::as_ref).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let known = known.join(", ");
            JobError::permanent(format!("source: nobody processes webhooks of {source:?}; known are {known}"))
        })
    }
}
