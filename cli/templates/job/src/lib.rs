//! The job handler that runs `new-job`.

mod handler;
mod job;
mod router;

pub use job::NewJob;
pub use router::{router, router_from_env};
