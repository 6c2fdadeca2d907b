//! Gather, render, put, tell.

use serde::Serialize;
use sigpost_files::{FileReady, Files, tell};
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};

use crate::report::Report;
use crate::{Format, GenerateReport, html, pdf};

/// What the names of the files begin with.
const FOLDER: &str = "reports";

/// The result of the job.
#[derive(Debug, Serialize)]
struct Generated {
    /// Where the file is, for who may look there.
    file: String,
    bytes: u64,
    /// Runs that the report is about.
    runs: i64,
}

/// Makes the reports of one deployment.
pub(crate) struct Reporter {
    pub(crate) files: Files,
}

impl Handler for Reporter {
    type Job = GenerateReport;

    async fn run(&self, job: GenerateReport, ctx: &JobContext) -> Result<Outcome, JobError> {
        tokio::select! {
            done = self.generate(job, ctx) => done,
            // What has been sent of the file is removed.
            () = ctx.cancelled() => Err(JobError::retryable("the run was stopped before the file was whole")),
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
        // The same in each attempt: a later one puts its file in place of an earlier one's.
        let name = format!("{}-{}.{}", report_type.as_str(), ctx.message_id, format.as_str());
        let mut upload = self.files.create(FOLDER, &name, format.content_type()).await?;
        upload.write(&file).await?;
        let bytes = upload.written();
        upload.finish().await?;

        let link = self.files.link(FOLDER, &name).await?;
        tell(ctx, &recipients, &FileReady::new(report.title(), link, self.files.link_valid()))?;
        let runs = report.totals.completed + report.totals.failed;
        Ok(Outcome::with(Generated { file: self.files.address(FOLDER, &name), bytes, runs }))
    }
}
