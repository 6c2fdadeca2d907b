//! `check-job-health`: measures job health and sends alerts.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use sigpost_store::metrics::Window;

use crate::{Invalid, Job};

/// Default window: an hour, as for job-health.
const WINDOW_SECONDS: u64 = 3600;
/// Allowed windows: a minute to a week, as for job-health.
const WINDOWS: std::ops::RangeInclusive<u64> = 60..=7 * 86_400;

/// Measures job health and sends alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckJobHealth {
    /// Window of the report in seconds: 60 to 604,800. Default 3600.
    #[serde(default = "default_window", deserialize_with = "window_or_default")]
    pub window_seconds: u64,
}

fn default_window() -> u64 {
    WINDOW_SECONDS
}

/// Treats `null` as an absent field.
fn window_or_default<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(WINDOW_SECONDS))
}

impl CheckJobHealth {
    /// Returns the window of the report.
    pub fn window(self) -> Window {
        Window::new(Duration::from_secs(self.window_seconds))
    }
}

impl Job for CheckJobHealth {
    const TYPE: &'static str = "check-job-health";
    const ENDPOINT: &'static str = "/api/jobs/health";
    /// Few retries, because the schedule fires again in five minutes.
    const RETRIES: u32 = 1;
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn validate(&self) -> Result<(), Invalid> {
        if WINDOWS.contains(&self.window_seconds) {
            return Ok(());
        }
        Err(Invalid::new("windowSeconds", "must be 60 to 604800"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_is_a_minute_to_a_week() {
        let read = |text: &str| serde_json::from_str::<CheckJobHealth>(text).expect("a job");
        assert_eq!(read("{}").window().length(), Duration::from_secs(3600));
        for (seconds, valid) in [(59, false), (60, true), (604_800, true), (604_801, false)] {
            let job = read(&format!(r#"{{"windowSeconds": {seconds}}}"#));
            assert_eq!(job.validate().is_ok(), valid, "{seconds}");
        }
    }
}
