//! The job handler that processes webhooks of third parties. Each source has a processor; a webhook
//! whose source has none is a dead letter at once, and never a success that did nothing.
//!
//! `resend` is here: it keeps `email_logs`. Register your own with [`Processors::with`].

mod handler;
mod job;
mod processors;
mod resend;
mod router;

pub use job::ProcessWebhook;
pub use processors::{Processor, Processors};
pub use router::{router, router_from_env};
