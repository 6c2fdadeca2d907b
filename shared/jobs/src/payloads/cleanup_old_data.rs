//! `cleanup-old-data`: deletes data past its retention.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigpost_store::retention::Ages;

use crate::{Invalid, Job};

/// Maximum retention in days: ten years.
const MAX_DAYS: u32 = 3650;

/// Deletes data older than the given numbers of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CleanupOldData {
    /// Retention in days, 1 to 3650.
    pub retention: u32,
    /// Retention of activity logs in days, 1 to 3650. Default: a year, or `retention` if that is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_retention: Option<u32>,
}

impl CleanupOldData {
    /// Returns the ages from which on data is deleted.
    pub fn ages(self) -> Ages {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
        let ages = Ages::of(days(self.retention));
        Ages { activity_logs: self.activity_retention.map_or(ages.activity_logs, days), ..ages }
    }
}

impl Job for CleanupOldData {
    const TYPE: &'static str = "cleanup-old-data";
    const ENDPOINT: &'static str = "/api/jobs/cleanup";
    /// Few retries, because the next day's run deletes the rest.
    const RETRIES: u32 = 1;
    const TIMEOUT: Duration = Duration::from_secs(600);

    fn validate(&self) -> Result<(), Invalid> {
        let given = [("retention", Some(self.retention)), ("activityRetention", self.activity_retention)];
        match given.into_iter().find(|(_, days)| days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days))) {
            None => Ok(()),
            Some((field, _)) => Err(Invalid::new(field, format!("must be 1 to {MAX_DAYS} days"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> CleanupOldData {
        serde_json::from_str(text).expect("a job")
    }

    #[test]
    fn retention_is_a_day_to_ten_years() {
        for (days, valid) in [(0, false), (1, true), (90, true), (3650, true), (3651, false)] {
            assert_eq!(read(&format!(r#"{{"retention": {days}}}"#)).validate().is_ok(), valid, "{days}");
            let activity = read(&format!(r#"{{"retention": 1, "activityRetention": {days}}}"#));
            assert_eq!(activity.validate().is_ok(), valid, "{days}");
        }
        assert!(serde_json::from_str::<CleanupOldData>(r#"{"retention": -1}"#).is_err());
        assert!(serde_json::from_str::<CleanupOldData>("{}").is_err());
    }

    #[test]
    fn activities_are_kept_for_a_year_unless_the_job_says_otherwise() {
        let days = |text: &str| {
            let Ages { most, activity_logs } = read(text).ages();
            (most.as_secs() / 86_400, activity_logs.as_secs() / 86_400)
        };
        assert_eq!(days(r#"{"retention": 90}"#), (90, 365));
        assert_eq!(days(r#"{"retention": 400}"#), (400, 400));
        assert_eq!(days(r#"{"retention": 90, "activityRetention": 30}"#), (90, 30));
    }
}
