//! `GET /api/admin/queue-depth`: numbers of open messages over time.

use serde::{Deserialize, Serialize};

/// Response of `GET /api/admin/queue-depth`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueDepth {
    /// Length of the window.
    pub window_seconds: u64,
    /// Length of a step.
    pub step_seconds: u64,
    /// Steps without a sample are omitted.
    pub over_time: Vec<DepthAt>,
}

/// Open messages within a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DepthAt {
    /// Start of the step, RFC 3339.
    pub at: String,
    /// Due now.
    pub due: Depth,
    /// Scheduled.
    pub scheduled: Depth,
    /// In flight.
    pub active: Depth,
    /// Blocked by a queue or a flow-control key.
    pub waiting: Depth,
    /// Maximum within the step, as `dead_letters`.
    pub oldest_due_seconds: Option<f64>,
    /// Dead letters.
    pub dead_letters: i64,
}

/// Number of messages within a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Depth {
    /// Average of the samples.
    pub average: f64,
    /// Maximum of the samples.
    pub most: i64,
}
