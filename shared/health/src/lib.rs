//! The health checks of a deployment.
//!
//! ```text
//! readings -> checks (value, thresholds) -> findings -> alerts, sigpost doctor
//!          \-> verdict (healthy, degraded, unhealthy, with reasons) -> job-health, console, sigpost health --jobs
//! ```
//!
//! Each check is defined once, in `checks`, with its thresholds and the reason for them. The SQL of the readings is in
//! `sigpost-store`, and the types of the report are in `sigpost-qstash`. Everything after the readings is a pure function.

mod check;
pub mod checks;
mod readings;
mod report;
mod rules;
mod verdict;

pub use check::{Check, Reading, Thresholds};
pub use readings::{Deployment, Ended, Readings};
pub use report::report;
pub use rules::{Finding, Rules};
pub use sigpost_store::alerts::Severity;
pub use verdict::{Verdict, verdict};
