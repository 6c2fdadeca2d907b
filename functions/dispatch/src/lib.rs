//! The dispatch function: QStash's API, and the engine that delivers.
//!
//! ```text
//! accept  ->  claim  ->  send  ->  decide  ->  record
//! intake      drain      send      decide      recorder
//! ```
//!
//! `api` reads requests and turns rows into answers; `publication` makes the messages of whatever is
//! published; `intake` commits accepted messages in groups; `engine` leases, pushes and records;
//! `schedules` publishes when it is time. See `docs/src/explanation/architecture.md` for a walk through all of it.

mod api;
pub mod app;
mod budget;
pub mod config;
mod deduplicate;
pub mod engine;
mod intake;
mod lambda;
mod openapi;
mod publication;
mod route;
mod router;
mod run;
mod schedules;
mod startup;
mod state;
mod tokens;
mod trace;

pub use api::body::BodyBudget;
pub use app::App;
pub use config::Config;
pub use deduplicate::Deduplicating;
pub use run::run;
pub use schedules::{Drift, Firing, Skip};
pub use startup::wait_for_database;
