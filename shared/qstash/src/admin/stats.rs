//! `GET /api/admin/stats`: open messages now, and messages that ended within a window.

use serde::{Deserialize, Serialize};

use super::Messages;

/// Response of `GET /api/admin/stats`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// All open messages.
    #[serde(flatten)]
    pub open: Open,
    /// Length of the window.
    pub window_seconds: u64,
    /// Messages of the window.
    #[serde(flatten)]
    pub messages: Messages,
    /// Open messages by host and path of the destination, the largest first.
    pub by_destination: Vec<OpenOf>,
    /// Open messages by queue, the largest first.
    pub by_queue: Vec<OpenOf>,
}

/// Counts of open messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// Due now.
    pub due: i64,
    /// Scheduled: delayed, or with a pending retry.
    pub scheduled: i64,
    /// Blocked by a queue or a flow-control key.
    pub waiting: i64,
    /// In flight.
    pub active: i64,
    /// Age of the oldest due message, in seconds.
    #[serde(rename = "oldestDueSeconds")]
    pub oldest_due_s: Option<f64>,
}

/// Counts of open messages of one destination or one queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenOf {
    /// Its name.
    pub name: String,
    /// The counts.
    #[serde(flatten)]
    pub open: Open,
}
