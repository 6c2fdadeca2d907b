//! The admin API, `/api/admin/…`.

use std::fmt;
use std::sync::Arc;

use reqwest::{Method, StatusCode};
use sigpost_qstash::admin::{
    ActiveRuns, DeadLetterGroups, GateStates, JobHealth, JobMetrics, KeyStates, QueueDepth, ScheduleStates, Stats,
};

use crate::connection::Connection;
use crate::{Call, Credentials, Error, TIMEOUT};

/// Client of the admin API. Clones share connections. A window is a duration such as `1h`; without one, the API has a
/// default.
#[derive(Clone)]
pub struct AdminClient(Arc<Connection>);

impl AdminClient {
    /// Creates a client of the admin API at `url`, such as `https://example.com`.
    ///
    /// # Errors
    ///
    /// `url` is not an http or https URL, or a header cannot contain the token.
    pub fn new(url: &str, credentials: Credentials) -> Result<Self, Error> {
        Ok(Self(Arc::new(Connection::new(url, credentials, TIMEOUT)?)))
    }

    fn get<T>(&self, path: &str) -> Call<T> {
        Call::new(&self.0, Method::GET, Ok(format!("/api/admin/{path}")))
    }

    /// Returns the health of the jobs and the open alerts. Unhealthy jobs are not an error, although the status is 503.
    pub fn get_job_health(&self, window: Option<&str>) -> Call<JobHealth> {
        self.get("job-health").query(of(window)).or_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Returns numbers and durations of runs.
    pub fn get_job_metrics(&self, window: Option<&str>) -> Call<JobMetrics> {
        self.get("job-metrics").query(of(window))
    }

    /// Returns numbers of open messages over time.
    pub fn get_queue_depth(&self, window: Option<&str>) -> Call<QueueDepth> {
        self.get("queue-depth").query(of(window))
    }

    /// Returns numbers of open and of ended messages.
    pub fn get_stats(&self, window: Option<&str>) -> Call<Stats> {
        self.get("stats").query(of(window))
    }

    /// Lists runs in progress.
    pub fn list_active_runs(&self) -> Call<ActiveRuns> {
        self.get("active")
    }

    /// Lists dead letters in groups of destination and status.
    pub fn list_dead_letter_groups(&self) -> Call<DeadLetterGroups> {
        self.get("dead-letters")
    }

    /// Lists schedules with their lateness.
    pub fn list_schedule_states(&self) -> Call<ScheduleStates> {
        self.get("schedules")
    }

    /// Lists queues and flow-control keys with their blocked messages.
    pub fn list_gate_states(&self) -> Call<GateStates> {
        self.get("throttle")
    }

    /// Returns the age and the fingerprints of the signing keys.
    pub fn get_key_states(&self) -> Call<KeyStates> {
        self.get("keys")
    }
}

fn of(window: Option<&str>) -> Option<(&'static str, &str)> {
    window.map(|window| ("window", window))
}

impl fmt::Debug for AdminClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminClient").field("url", &self.0.url).finish_non_exhaustive()
    }
}
