//! Job handler that processes events of Stripe: it updates the customer's subscription, writes an activity log, and enqueues
//! an e-mail and a notification.
//!
//! An event is processed in one transaction, together with its follow-up jobs and the record of its ID. So it is
//! processed once, even if it is delivered several times. Outdated events about a subscription are ignored.

mod config;
mod handler;
mod money;
mod process;
mod reaction;
mod router;
mod wording;

pub use config::Config;
pub use router::{router, router_from_env};
