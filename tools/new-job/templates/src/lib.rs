//! The job handler that runs `new-job`.

mod handler;
mod router;

pub use router::{router, router_from_env};
