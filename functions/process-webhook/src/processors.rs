//! Processors of webhooks by source.

use std::collections::BTreeMap;

use sigpost_jobs::JobError;

use crate::processor::Processor;
use crate::resend::Resend;

/// Processors by name of their source.
pub struct Processors(BTreeMap<String, Box<dyn Processor>>);

/// Returns the built-in processors.
impl Default for Processors {
    fn default() -> Self {
        Self::none().with("resend", Resend)
    }
}

impl Processors {
    /// Returns an empty set.
    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Registers a processor for the webhooks of `source`. Replaces an existing one.
    #[must_use]
    pub fn with(mut self, source: impl Into<String>, processor: impl Processor) -> Self {
        self.0.insert(source.into(), Box::new(processor));
        self
    }

    /// Returns the processor of a source.
    pub(crate) fn of(&self, source: &str) -> Result<&dyn Processor, JobError> {
        self.0.get(source).map(Box::as_ref).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let known = known.join(", ");
            JobError::permanent(format!("source: unknown {source:?}; known are {known}"))
        })
    }
}
