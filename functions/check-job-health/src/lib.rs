//! Job handler that measures job health and sends alerts. Schedule it every five minutes.

mod alerts;
mod channels;
mod config;
mod handler;
mod router;

pub use config::Config;
pub use router::{router, router_from_env};
