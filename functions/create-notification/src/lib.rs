//! Job handler that creates in-app notifications: rows that the inbox of a product shows.

mod event;
mod handler;
mod job;
mod kind;
mod metadata;
mod router;

pub use event::{Event, Priority};
pub use job::{CreateNotification, Recipients};
pub use kind::{Category, Kind};
pub use router::{router, router_from_env};
