//! The job handler that tells users something inside the product: rows that its inbox shows.

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
