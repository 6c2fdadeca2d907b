//! Job handler that creates in-app notifications: rows that the inbox of a product shows.

mod handler;
mod router;

pub use router::{router, router_from_env};
