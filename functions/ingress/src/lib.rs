//! Endpoints for webhooks of third parties. They verify the signature, enqueue a job for the event once, and respond. The
//! job processes the event.
//!
//! ```text
//! size -> configured -> verify -> read -> enqueue, unless its ID is known -> respond
//! 413     404           400       400     503                                200
//! ```

mod config;
mod enqueue;
mod event;
mod resend;
mod router;
mod signature;
mod stripe;

pub use config::Config;
pub use router::{router, router_from_env};
