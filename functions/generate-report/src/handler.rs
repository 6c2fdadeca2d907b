//! The handler: gathers the figures, renders and stores the report, and e-mails the link.

use serde::Serialize;
use sigpost_files::{FileReady, Files, tell};
use sigpost_jobs::payloads::GenerateReport;
use sigpost_jobs::payloads::generate_report::Format;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use crate::report::Report;
use crate::{html, pdf};

/// Prefix of the file names.
const FOLDER: &str = "reports";

/// The result of the job.
#[derive(Debug, Serialize)]
struct Generated {
    /// Path or URL of the file, for users with access to the storage.
    file: String,
    bytes: u64,
    /// Number of runs in the report.
    runs: i64,
}

/// Generates the reports of one deployment.
pub(crate) struct Reporter {
    pub(crate) files: Files,
}

impl Handler for Reporter {
    type Job = GenerateReport;

    async fn run(&self, job: GenerateReport, ctx: &JobContext) -> Result<Outcome, JobError> {
        tokio::select! {
            done = self.generate(job, ctx) => done,
            // The partial upload is removed.
            () = ctx.cancelled() => Err(JobError::retryable("the run was stopped before the file was complete")),
        }
    }
}

impl Reporter {
    async fn generate(&self, job: GenerateReport, ctx: &JobContext) -> Result<Outcome, JobError> {
        let GenerateReport { report_type, date_range, recipients, format } = job;
        let report = Report::gather(&ctx.database, report_type, date_range.into()).await?;
        let file = match format {
            Format::Pdf => pdf::render(&report),
            Format::Html => html::render(&report).into_bytes(),
            Format::Json => serde_json::to_vec_pretty(&report).map_err(JobError::permanent)?,
        };
        // The name is the same in each attempt, so a later file replaces an earlier one.
        let name = format!("{}-{}.{}", report_type.as_str(), ctx.message_id, extension(format));
        let mut upload = self.files.create(FOLDER, &name, content_type(format)).await?;
        upload.write(&file).await?;
        let bytes = upload.written();
        upload.finish().await?;

        let link = self.files.link(FOLDER, &name).await?;
        tell(ctx, &recipients, &FileReady::new(report.title(), &link, self.files.link_valid()))?;
        let runs = report.totals.completed + report.totals.failed;
        Ok(Outcome::with(Generated { file: self.files.address(FOLDER, &name), bytes, runs }))
    }
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Pdf => "pdf",
        Format::Html => "html",
        Format::Json => "json",
    }
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Pdf => "application/pdf",
        Format::Html => "text/html; charset=utf-8",
        Format::Json => "application/json",
    }
}
