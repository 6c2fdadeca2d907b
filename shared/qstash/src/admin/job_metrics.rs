//! `GET /api/admin/job-metrics`: numbers of ended runs and messages over time, and durations of runs.

use serde::{Deserialize, Serialize};

/// Response of `GET /api/admin/job-metrics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobMetrics {
    /// Length of the window.
    pub window_seconds: u64,
    /// Length of a step of the series.
    pub step_seconds: u64,
    /// Messages of the window.
    pub messages: Messages,
    /// Runs of all types.
    pub all: Runs,
    /// Runs by type.
    pub by_type: Vec<TypeRuns>,
    /// Ended runs by step.
    pub runs_over_time: Vec<RunsAt>,
    /// Messages by step.
    pub messages_over_time: Vec<MessagesAt>,
}

/// Numbers and durations of runs. Percentiles are accurate to 10 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Runs {
    /// In progress.
    pub processing: i64,
    /// Completed.
    pub completed: i64,
    /// Failed.
    pub failed: i64,
    /// Share of failed runs among ended ones.
    pub failure_rate: f64,
    /// Durations of completed runs.
    #[serde(flatten)]
    pub durations: RunDurations,
}

/// Durations of completed runs; `None` without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDurations {
    /// Average.
    pub average_ms: Option<f64>,
    /// Median.
    pub p50_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
}

/// Runs of a job type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeRuns {
    /// The job type.
    #[serde(rename = "type")]
    pub job_type: String,
    /// Its runs.
    #[serde(flatten)]
    pub runs: Runs,
}

/// Ended runs of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunsAt {
    /// Start of the step, RFC 3339.
    pub at: String,
    /// Completed.
    pub completed: i64,
    /// Failed.
    pub failed: i64,
    /// Durations of completed runs.
    #[serde(flatten)]
    pub durations: RunDurations,
}

/// Messages of a window or a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// Accepted.
    pub accepted: i64,
    /// Delivered.
    pub delivered: i64,
    /// Failed attempts that are retried.
    pub errors: i64,
    /// Failed.
    pub failed: i64,
    /// Cancelled.
    pub canceled: i64,
}

/// Messages of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesAt {
    /// Start of the step, RFC 3339.
    pub at: String,
    /// Its messages.
    #[serde(flatten)]
    pub messages: Messages,
}
