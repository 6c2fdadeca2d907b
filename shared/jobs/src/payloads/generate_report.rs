//! `generate-report`: generates a report about runs of jobs.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigpost_store::reports::Period;

use super::recipients;
use crate::{Invalid, Job};

/// Maximum period in days: a leap year.
const MAX_DAYS: i64 = 366;

/// Generates a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenerateReport {
    /// Type of the report.
    pub report_type: ReportType,
    /// Period of at most 366 days.
    pub date_range: DateRange,
    /// 1 to 50 addresses. Each gets an e-mail of its own with the link.
    pub recipients: Vec<String>,
    /// Format of the file.
    pub format: Format,
}

/// Type of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportType {
    /// Runs over time and by type, failures, durations.
    Analytics,
    /// As `Analytics`, with runs and total time by organization and user.
    Usage,
    /// Reserved; not supported.
    Billing,
    /// Reserved; not supported.
    Custom,
}

impl ReportType {
    /// Returns the name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analytics => "analytics",
            Self::Usage => "usage",
            Self::Billing => "billing",
            Self::Custom => "custom",
        }
    }
}

/// Period from one time (inclusive) to another (exclusive), RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// Start, inclusive.
    pub from: Timestamp,
    /// End, exclusive.
    pub to: Timestamp,
}

impl From<DateRange> for Period {
    fn from(DateRange { from, to }: DateRange) -> Self {
        Self { from, to }
    }
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// PDF with A4 pages.
    Pdf,
    /// A self-contained HTML page.
    Html,
    /// The figures as JSON.
    Json,
}

impl Job for GenerateReport {
    const TYPE: &'static str = "generate-report";
    const ENDPOINT: &'static str = "/api/jobs/report";
    const RETRIES: u32 = 2;
    const TIMEOUT: Duration = Duration::from_secs(180);

    fn validate(&self) -> Result<(), Invalid> {
        if matches!(self.report_type, ReportType::Billing | ReportType::Custom) {
            let reason = format!("{} reports are not supported; must be analytics or usage", self.report_type.as_str());
            return Err(Invalid::new("reportType", reason));
        }
        let DateRange { from, to } = self.date_range;
        if from >= to {
            return Err(Invalid::new("dateRange.to", "must be after dateRange.from"));
        }
        if to.duration_since(from).as_secs() > MAX_DAYS * 86_400 {
            return Err(Invalid::new("dateRange", format!("must be at most {MAX_DAYS} days")));
        }
        if self.recipients.is_empty() {
            return Err(Invalid::new("recipients", "must not be empty"));
        }
        recipients::check_list("recipients", &self.recipients)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rejection(change: impl FnOnce(&mut Value)) -> String {
        let mut job = json!({
            "reportType": "usage", "format": "pdf", "recipients": ["ada@example.com"],
            "dateRange": { "from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z" },
        });
        change(&mut job);
        match serde_json::from_value::<GenerateReport>(job) {
            Ok(job) => job.validate().err().map(|invalid| invalid.to_string()).unwrap_or_default(),
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn error_names_the_field() {
        assert_eq!(rejection(|_| {}), "");
        let rejected = rejection(|job| job["reportType"] = json!("billing"));
        assert_eq!(rejected, "reportType: billing reports are not supported; must be analytics or usage");
        let rejected = rejection(|job| job["dateRange"]["to"] = json!("2026-11-01T00:00:00Z"));
        assert_eq!(rejected, "dateRange.to: must be after dateRange.from");
        let rejected = rejection(|job| job["dateRange"]["to"] = json!("2027-11-02T00:00:01Z"));
        assert_eq!(rejected, "dateRange: must be at most 366 days");
        assert_eq!(rejection(|job| job["recipients"] = json!([])), "recipients: must not be empty");
        assert_eq!(rejection(|job| job["recipients"] = json!(["x"])), "recipients[0]: is not an e-mail address");
        assert!(
            rejection(|job| job["format"] = json!("docx")).starts_with("unknown variant `docx`, expected one of `pdf`")
        );
    }
}
