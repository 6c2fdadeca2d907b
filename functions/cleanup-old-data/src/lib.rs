//! Job handler that deletes data past its retention. Schedule it daily.

mod handler;
mod job;
mod router;

pub use job::CleanupOldData;
pub use router::{router, router_from_env};
