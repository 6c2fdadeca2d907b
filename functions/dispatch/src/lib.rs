//! The dispatch function: the QStash-compatible API and the dispatcher.
//!
//! ```text
//! accept  ->  claim  ->  send  ->  decide  ->  record
//! intake      drain      send      decide      recorder
//! ```
//!
//! `api` parses requests and converts rows to responses; `publication` creates the messages of a publish; `intake`
//! commits accepted messages in groups; `dispatcher` claims, delivers and records; `schedules` publishes the messages of
//! schedules. See `docs/src/explanation/architecture.md`.

mod api;
pub mod app;
mod budget;
pub mod config;
mod deduplicate;
pub mod dispatcher;
mod further;
mod intake;
mod lambda;
mod openapi;
mod publication;
mod readiness;
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
