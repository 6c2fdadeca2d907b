//! `export-data`: exports a table to a file.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigpost_store::export::{Entity, Filter};

use super::recipients;
use crate::{Invalid, Job, null_is_absent};

/// Maximum length of a filter text in bytes.
const MAX_TEXT_BYTES: usize = 256;

/// Exports a table to a file. Unknown fields are rejected: a misspelled filter would export too much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportData {
    /// Table: `messages`, `events`, `deadLetters`, `jobExecutions`, `emailLogs`, `notifications` or `activityLogs`.
    pub entity_type: Entity,
    /// Format: `csv` or `xlsx`.
    pub format: Format,
    /// Filters. Default: all rows.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub filters: Filters,
    /// At most 50 addresses. Each gets an e-mail of its own with the link. Default: none.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RFC 4180, with a header, in UTF-8.
    Csv,
    /// A workbook with one sheet of at most 1,048,575 rows.
    #[serde(alias = "excel")]
    Xlsx,
}

/// Filters of rows. A missing filter matches all rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Filters {
    /// Created at or after this time: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_after: Option<Timestamp>,
    /// Created before this time: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
    /// State, for tables with states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Job type, for `jobExecutions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_type: Option<String>,
    /// User ID, for tables with users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Organization ID, for tables with organizations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
}

impl Filters {
    fn validate(&self, entity: Entity) -> Result<(), Invalid> {
        if let (Some(after), Some(before)) = (self.created_after, self.created_before)
            && after >= before
        {
            return Err(Invalid::new("filters.createdBefore", "must be after filters.createdAfter"));
        }
        let statuses = entity.statuses();
        match &self.status {
            Some(_) if statuses.is_empty() => {
                return Err(Invalid::new("filters.status", format!("{} have no such field", entity.as_str())));
            }
            Some(status) if !statuses.contains(&status.as_str()) => {
                return Err(Invalid::new("filters.status", format!("must be one of {}", statuses.join(", "))));
            }
            _ => {}
        }
        for (name, value, has_them) in [
            ("jobType", &self.job_type, entity.has_job_types()),
            ("userId", &self.user_id, entity.has_users()),
            ("organizationId", &self.organization_id, entity.has_organizations()),
        ] {
            let field = || format!("filters.{name}");
            match value {
                Some(_) if !has_them => {
                    return Err(Invalid::new(field(), format!("{} have no such field", entity.as_str())));
                }
                Some(value) if value.len() > MAX_TEXT_BYTES || value.contains('\0') => {
                    return Err(Invalid::new(field(), format!("must be at most {MAX_TEXT_BYTES} bytes of text")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl From<Filters> for Filter {
    fn from(filters: Filters) -> Self {
        let Filters { created_after, created_before, status, job_type, user_id, organization_id } = filters;
        Self { created_after, created_before, status, job_type, user_id, organization_id }
    }
}

impl Job for ExportData {
    const TYPE: &'static str = "export-data";
    const ENDPOINT: &'static str = "/api/jobs/export";
    const RETRIES: u32 = 2;
    const TIMEOUT: Duration = Duration::from_secs(300);

    fn validate(&self) -> Result<(), Invalid> {
        self.filters.validate(self.entity_type)?;
        recipients::check_list("recipients", &self.recipients)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(job: &Value) -> Result<ExportData, String> {
        let job: ExportData = serde_json::from_value(job.clone()).map_err(|why| why.to_string())?;
        job.validate().map_err(|invalid| invalid.to_string())?;
        Ok(job)
    }

    #[test]
    fn filters_and_recipients_may_be_missing() {
        let job = read(&json!({ "entityType": "jobExecutions", "format": "excel" })).expect("valid");
        let expected = ExportData {
            entity_type: Entity::JobExecutions,
            format: Format::Xlsx,
            filters: Filters::default(),
            recipients: Vec::new(),
        };
        assert_eq!(job, expected);
        assert_eq!(
            serde_json::to_value(job).expect("JSON"),
            json!({ "entityType": "jobExecutions", "format": "xlsx", "filters": {} })
        );
    }

    #[test]
    fn error_names_the_field() {
        let filters =
            |entity: &str, filters: Value| json!({ "entityType": entity, "format": "csv", "filters": filters });
        for (job, error) in [
            (filters("events", json!({ "status": "delivered" })), "filters.status: must be one of CREATED, ACTIVE"),
            (filters("deadLetters", json!({ "status": "failed" })), "filters.status: deadLetters have no such field"),
            (filters("messages", json!({ "userId": "u1" })), "filters.userId: messages have no such field"),
            (
                filters("notifications", json!({ "organizationId": "o1" })),
                "filters.organizationId: notifications have no such field",
            ),
            (filters("activityLogs", json!({ "jobType": "x" })), "filters.jobType: activityLogs have no such field"),
            (filters("jobExecutions", json!({ "jobType": "x".repeat(257) })), "filters.jobType: must be at most 256"),
            (
                filters(
                    "messages",
                    json!({ "createdAfter": "2026-11-02T00:00:00Z", "createdBefore": "2026-11-02T00:00:00Z" }),
                ),
                "filters.createdBefore: must be after",
            ),
            (filters("messages", json!({ "created_after": "2026-11-02T00:00:00Z" })), "unknown field `created_after`"),
            (filters("users", json!({})), "unknown variant `users`, expected one of `messages`"),
            (
                json!({ "entityType": "events", "format": "csv", "recipients": ["ada@example.com", "bob"] }),
                "recipients[1]: is not an e-mail address",
            ),
        ] {
            let said = read(&job).expect_err("invalid");
            assert!(said.starts_with(error), "{said}");
        }
    }
}
