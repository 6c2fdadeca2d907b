//! The admin API, with health, metrics and lists of a deployment for people, probes and alarms; and the console.

mod admin_token;
mod answer;
mod authorization;
mod config;
mod connection;
mod console;
mod job_health;
mod job_metrics;
mod lists;
mod prometheus;
mod queue_depth;
mod router;
mod stats;
mod window;

pub use admin_token::AdminToken;
pub use authorization::Authorization;
pub use config::Config;
pub use console::{ConsoleConfig, console};
pub use prometheus::OwnMetrics;
pub use router::{metrics_router, router, router_from_env};
