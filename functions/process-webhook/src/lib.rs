//! Job handler that processes webhooks of third parties. Each source has a processor. A webhook without a processor
//! becomes a dead letter immediately.
//!
//! The processor `resend` is built in and updates `email_logs`. Register your own with [`Processors::with`].

mod handler;
mod processor;
mod processors;
mod resend;
mod router;

pub use processor::Processor;
pub use processors::Processors;
pub use router::{router, router_from_env};
