//! The job handler that measures how the jobs of a deployment are doing, and records it with its run.
//! Schedule it every five minutes.

mod handler;
mod job;
mod router;

pub use job::CheckJobHealth;
pub use router::{router, router_from_env};
