//! Responses of the admin API, `/api/admin/…`. Not in QStash. Times are unix milliseconds unless a field says otherwise.
//!
//! The server writes these types, and clients read them.

mod job_health;
mod job_metrics;
mod lists;
mod queue_depth;
mod stats;

pub use job_health::{
    Alert, DeadLetterCounts, Durations, Health, JobHealth, Reason, Report, Severity, StatusCount, StuckRuns, TypeReport,
};
pub use job_metrics::{JobMetrics, Messages, MessagesAt, RunDurations, Runs, RunsAt, TypeRuns};
pub use lists::{
    ActiveRun, ActiveRuns, DeadLetterGroup, DeadLetterGroups, GateState, GateStates, KeyState, KeyStates,
    ScheduleState, ScheduleStates,
};
pub use queue_depth::{Depth, DepthAt, QueueDepth};
pub use stats::{Open, OpenOf, Stats};
