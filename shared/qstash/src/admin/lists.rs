//! Lists for operators: active runs, dead letters, schedules, limits, and the state of the signing keys.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Response of `GET /api/admin/active`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveRuns {
    /// Runs in progress, oldest first.
    pub runs: Vec<ActiveRun>,
}

/// A run in progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveRun {
    /// The message ID on the wire.
    pub message_id: String,
    /// `Job::TYPE`.
    pub job_type: String,
    /// Number of the attempt, from 1.
    pub attempt: i32,
    /// Start time.
    #[serde(rename = "startedAt")]
    pub started_at_ms: i64,
    /// Age in seconds.
    #[serde(rename = "ageSeconds")]
    pub age_s: f64,
    /// Time until its lease expires without a further heartbeat, in seconds; negative if expired.
    #[serde(rename = "leaseLeftSeconds")]
    pub lease_left_s: f64,
    /// The progress that its handler last reported.
    pub progress: Option<Value>,
    /// Correlation ID.
    pub correlation_id: Option<String>,
}

/// Response of `GET /api/admin/dead-letters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterGroups {
    /// The groups, the largest first.
    pub groups: Vec<DeadLetterGroup>,
}

/// Dead letters of one destination with the same response status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterGroup {
    /// Host and path of the destination.
    pub destination: String,
    /// Status of the response; 0 without a response.
    pub response_status: i32,
    /// The error of the newest one.
    pub error: Option<String>,
    /// Number of dead letters.
    pub count: i64,
    /// Failure time of the oldest.
    #[serde(rename = "firstAt")]
    pub first_at_ms: i64,
    /// Failure time of the newest.
    #[serde(rename = "lastAt")]
    pub last_at_ms: i64,
}

/// Response of `GET /api/admin/schedules`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleStates {
    /// The schedules, the next to fire first.
    pub schedules: Vec<ScheduleState>,
}

/// The state of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleState {
    /// Its id.
    pub id: String,
    /// The expression with its time zone.
    pub cron: String,
    /// URL or name of a URL group.
    pub destination: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Time of the next firing.
    #[serde(rename = "nextFireAt")]
    pub next_fire_at_ms: Option<i64>,
    /// Time of the last firing.
    #[serde(rename = "lastFireAt")]
    pub last_fire_at_ms: Option<i64>,
    /// Delay of the due firing, in seconds; 0 if none is due.
    #[serde(rename = "lateSeconds")]
    pub late_s: f64,
    /// Whether EventBridge Scheduler has an identical copy. Always false without EventBridge.
    pub mirrored: bool,
    /// Why its last firing published nothing.
    pub error: Option<String>,
}

/// Response of `GET /api/admin/throttle`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStates {
    /// Queues and flow-control keys, those with the most blocked messages first.
    pub gates: Vec<GateState>,
}

/// The state of a queue or a flow-control key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateState {
    /// `queue` or `flow_control`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Messages blocked by it.
    pub waiting: i64,
    /// Slots in use.
    pub taken: i64,
    /// Maximum of slots.
    pub parallelism: Option<i32>,
    /// Attempts started in the current period; 0 without one.
    pub started: i32,
    /// Maximum of attempts started per period.
    pub rate: Option<i32>,
    /// Length of a period in seconds.
    #[serde(rename = "periodSeconds")]
    pub period_s: i32,
}

/// Response of `GET /api/admin/keys`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyStates {
    /// The signing keys; `None` before the first dispatcher has created them.
    pub keys: Option<KeyState>,
}

/// The fingerprints and the age of both keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyState {
    /// The first 12 hex digits of the SHA-256 of the current key.
    pub current_fingerprint: String,
    /// The fingerprint of the next key.
    pub next_fingerprint: String,
    /// When they were created or rotated.
    #[serde(rename = "rotatedAt")]
    pub rotated_at_ms: i64,
    /// Time since then, in seconds.
    #[serde(rename = "ageSeconds")]
    pub age_s: f64,
}
