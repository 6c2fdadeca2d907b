//! The job: how long things are kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigpost_jobs::{Invalid, Job};

/// The longest retention: ten years.
const MAX_DAYS: u32 = 3650;

/// Deletes what is older than so many days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanupOldData {
    /// In days, 1 to 3650.
    pub retention: u32,
}

impl CleanupOldData {
    /// How old something must be to go.
    pub(crate) fn age(self) -> Duration {
        Duration::from_secs(u64::from(self.retention) * 86_400)
    }
}

impl Job for CleanupOldData {
    const TYPE: &'static str = "cleanup-old-data";
    const ENDPOINT: &'static str = "/api/jobs/cleanup";
    /// The next day's run does what this one left.
    const RETRIES: u32 = 1;
    const TIMEOUT: Duration = Duration::from_secs(600);

    fn validate(&self) -> Result<(), Invalid> {
        if (1..=MAX_DAYS).contains(&self.retention) {
            return Ok(());
        }
        Err(Invalid::new("retention", format!("must be 1 to {MAX_DAYS} days")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_a_day_to_ten_years() {
        for (retention, valid) in [(0, false), (1, true), (90, true), (3650, true), (3651, false)] {
            assert_eq!(CleanupOldData { retention }.validate().is_ok(), valid, "{retention}");
        }
        assert_eq!(CleanupOldData { retention: 2 }.age(), Duration::from_secs(172_800));
    }

    #[test]
    fn job_is_read_from_its_number_of_days() {
        let job: CleanupOldData = serde_json::from_str(r#"{"retention": 90}"#).expect("a job");
        assert_eq!(job, CleanupOldData { retention: 90 });
        assert!(serde_json::from_str::<CleanupOldData>(r#"{"retention": -1}"#).is_err());
        assert!(serde_json::from_str::<CleanupOldData>("{}").is_err());
    }
}
