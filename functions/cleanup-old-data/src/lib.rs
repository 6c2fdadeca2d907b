//! Job handler that deletes data past its retention. Schedule it daily.

mod handler;
mod router;

pub use router::{router, router_from_env};
