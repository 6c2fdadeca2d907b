//! `GET /api/admin/job-health`: job health and open alerts.

use serde::{Deserialize, Serialize};

use super::Open;

/// Response of `GET /api/admin/job-health`. The status is 503 if the jobs are unhealthy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobHealth {
    /// The report.
    #[serde(flatten)]
    pub report: Report,
    /// Alerts of the last check-job-health run, the most severe first.
    pub alerts: Vec<Alert>,
}

/// The report of job health. Counts of finished runs are of the window, counts of runs in progress are current.
///
/// If no handler records runs, `stats`, `total_jobs` and `failure_rate` count finished messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Runs by status.
    pub stats: Vec<StatusCount>,
    /// Share of failed runs among ended ones.
    pub failure_rate: f64,
    /// Number of runs.
    pub total_jobs: i64,
    /// The verdict.
    pub health: Health,
    /// Reasons for a degraded or unhealthy verdict; empty if healthy.
    pub reasons: Vec<Reason>,
    /// Length of the window.
    pub window_seconds: u64,
    /// Runs by type.
    pub by_type: Vec<TypeReport>,
    /// Stuck runs.
    pub stuck: StuckRuns,
    /// Open messages.
    pub queue: Open,
    /// Dead letters.
    pub dead_letters: DeadLetterCounts,
    /// Durations of completed runs; `None` without any.
    pub durations: Option<Durations>,
    /// When the last run completed, RFC 3339.
    pub last_completed_at: Option<String>,
}

/// The health of a deployment's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// No problems, also without any jobs.
    Healthy,
    /// A check is at its warning threshold.
    Degraded,
    /// A check is at its critical threshold, or a critical alert is open.
    Unhealthy,
}

impl Health {
    /// Returns the verdict as in the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl From<Severity> for Health {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Warning => Self::Degraded,
            Severity::Critical => Self::Unhealthy,
        }
    }
}

/// A reason of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// ID of the check.
    pub check: String,
    /// The subject, if the check has several; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Health by this reason alone.
    pub health: Health,
    /// The measured value in a sentence.
    pub message: String,
    /// Page and section of the book that explain it.
    pub runbook: String,
}

impl Reason {
    /// Returns the message, preceded by the subject.
    pub fn text(&self) -> String {
        if self.subject.is_empty() { self.message.clone() } else { format!("{}: {}", self.subject, self.message) }
    }
}

/// Number of runs with a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCount {
    /// `processing`, `completed` or `failed`.
    pub status: String,
    /// Number of runs.
    pub count: i64,
}

/// Runs of a job type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeReport {
    /// The job type.
    #[serde(rename = "type")]
    pub job_type: String,
    /// In progress.
    pub processing: i64,
    /// Completed.
    pub completed: i64,
    /// Failed.
    pub failed: i64,
    /// Share of failed runs among ended ones.
    pub failure_rate: f64,
}

/// Stuck runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StuckRuns {
    /// Number of runs.
    pub count: i64,
    /// Age of the oldest run.
    pub oldest_seconds: Option<f64>,
    /// Message IDs of the oldest ten.
    pub message_ids: Vec<String>,
}

/// Numbers of dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterCounts {
    /// In the window.
    pub in_window: i64,
    /// In total.
    pub total: i64,
}

/// Durations of completed runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Durations {
    /// Average.
    pub average_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}

/// An open alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The rule.
    pub rule: String,
    /// The subject, for rules with several subjects; empty otherwise.
    pub subject: String,
    /// The severity.
    pub severity: Severity,
    /// The measured value.
    pub value: f64,
    /// Description.
    pub message: String,
    /// Start time.
    #[serde(rename = "openedAt")]
    pub opened_at_ms: i64,
}

/// The severity of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Requires attention within a day.
    Warning,
    /// Requires immediate attention.
    Critical,
}

impl Severity {
    /// Returns the name, as in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
