//! The Postgres storage of sigpost: the only crate that uses diesel.
//!
//! One file per table or per step of a message's lifecycle. The hot steps are handwritten statements (see
//! `statement.rs`): each takes one round trip and arrays, for hundreds of messages. All times are compared with the
//! database's clock.

#[macro_use]
mod statement;

pub mod accept;
pub mod activity_logs;
pub mod alerts;
pub mod api_tokens;
pub mod cancel;
pub mod claim;
pub mod database;
pub mod dead_letters;
pub mod destination;
pub mod diagnosis;
pub mod dispatchers;
pub mod effects;
pub mod email_logs;
pub mod error;
pub mod events;
pub mod export;
pub mod extent;
pub mod filter;
pub mod firings;
pub mod fit;
pub mod flow_controls;
pub mod gates;
pub mod health;
pub mod leases;
pub mod locks;
pub mod make_due;
pub mod messages;
pub mod metrics;
pub mod migrate;
pub mod mirrors;
pub mod notifications;
pub mod operation;
pub mod page;
pub mod processes;
pub mod progress;
pub mod queues;
pub mod record;
pub mod reports;
pub mod retention;
pub mod runs;
pub mod schedules;
mod schema;
mod search;
pub mod signing_keys;
mod stored;
pub mod stripe;
pub mod tls;
pub mod url;
pub mod url_groups;
pub mod wake;
pub mod wake_ups;

pub use database::{Connection, Database};
pub use diesel::result::Error as DieselError;
pub use diesel_async::{AsyncConnection, AsyncPgConnection};
pub use error::Error;
pub use wake_ups::WakeUps;
