//! The job handler that does what Stripe's events ask for: it keeps the customer's subscription, writes
//! down what happened, and has an e-mail sent and the owner notified.
//!
//! All of an event is one transaction, its follow-up jobs and the record of the event's id included:
//! an event is processed once, however often it is delivered. What an event says about a
//! subscription counts only if it is not older than what is known.

mod config;
mod event;
mod fields;
mod handler;
mod job;
mod money;
mod process;
mod reaction;
mod router;
mod wording;

pub use config::Config;
pub use job::ProcessStripeWebhook;
pub use router::{router, router_from_env};
