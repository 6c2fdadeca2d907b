//! Types that write files to a bucket.

use axum::Router;
use serde_json::{Value, json};
use sigpost_jobs::Harness;
use sigpost_jobs::payloads::{ExportData, GenerateReport};

use super::middle::Middle;
use super::provider::Provider;
use super::subject::{Effects, Subject};
use crate::jobs::files::bucket;
use crate::support::TestDatabase;

/// The e-mail job and the file.
const TOLD_OF_A_FILE: Effects = Effects { written: 1, done: 1 };

async fn effects(s3: &Provider, database: &TestDatabase) -> Effects {
    let written = database.count("select count(*) from messages where url like '%/api/jobs/email'").await;
    Effects { written, done: s3.effects().await }
}

pub(super) struct Export {
    s3: Provider,
}

impl Subject for Export {
    type Job = ExportData;

    const ONCE: Effects = TOLD_OF_A_FILE;
    const OVERDUE: &'static str = "timed out after 300s: the run was stopped before the file was complete";

    async fn new() -> Self {
        Self { s3: Provider::s3().await }
    }

    fn router(&self, harness: Harness) -> Router {
        export_data::router(bucket(&self.s3.url()), harness)
    }

    fn payload(&self) -> Value {
        json!({ "entityType": "deadLetters", "format": "csv", "recipients": ["ada@example.com"] })
    }

    fn malformed(&self) -> (Value, &'static str) {
        (json!({ "entityType": "deadLetters", "format": "pdf" }), "format: must be ")
    }

    /// The table that the export reads.
    fn middle(&self) -> Middle<'_> {
        Middle::Table("dead_letters")
    }

    async fn effects(&self, database: &TestDatabase) -> Effects {
        effects(&self.s3, database).await
    }
}

pub(super) struct ReportOfRuns {
    s3: Provider,
}

impl Subject for ReportOfRuns {
    type Job = GenerateReport;

    const ONCE: Effects = TOLD_OF_A_FILE;
    const OVERDUE: &'static str = "timed out after 180s: the run was stopped before the file was complete";

    async fn new() -> Self {
        Self { s3: Provider::s3().await }
    }

    fn router(&self, harness: Harness) -> Router {
        generate_report::router(bucket(&self.s3.url()), harness)
    }

    fn payload(&self) -> Value {
        let range = json!({ "from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z" });
        json!({ "reportType": "usage", "format": "pdf", "dateRange": range, "recipients": ["ada@example.com"] })
    }

    fn malformed(&self) -> (Value, &'static str) {
        let range = json!({ "from": "2026-03-01T00:00:00Z", "to": "2026-02-01T00:00:00Z" });
        let job = json!({ "reportType": "usage", "format": "pdf", "dateRange": range, "recipients": ["a@b.example"] });
        (job, "dateRange.to: must be")
    }

    /// The upload of the file's only part, after the upload was started.
    fn middle(&self) -> Middle<'_> {
        Middle::Answer(&self.s3, 2)
    }

    async fn effects(&self, database: &TestDatabase) -> Effects {
        effects(&self.s3, database).await
    }
}
