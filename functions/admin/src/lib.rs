//! The admin API: how the jobs of a deployment are doing, for people, probes and alarms; and the console.

mod answer;
mod authorization;
mod config;
mod console;
mod job_health;
mod job_metrics;
mod lists;
mod prometheus;
mod router;
mod stats;
mod window;

pub use config::Config;
pub use console::{ConsoleConfig, console};
pub use prometheus::OwnMetrics;
pub use router::{metrics_router, router, router_from_env};
