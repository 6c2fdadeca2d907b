//! The entrance for webhooks of others. Whoever calls is a stranger until their signature is verified;
//! then the event becomes a job, once, and the answer is given. The work is the job's.
//!
//! ```text
//! size -> configured -> verify -> read -> enqueue, unless its id is known -> answer
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
