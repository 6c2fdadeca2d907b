//! The handler: reads rows, writes the file and e-mails the link.

use serde::Serialize;
use sigpost_files::{FileReady, Files, tell};
use sigpost_jobs::payloads::ExportData;
use sigpost_jobs::payloads::export_data::Format;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::export::{Filter, Walk};

use crate::{csv, xlsx};

/// Prefix of the file names.
const FOLDER: &str = "exports";

/// The result of the job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    /// Path or URL of the file, for users with access to the storage.
    file: String,
    rows: u64,
    bytes: u64,
    /// Number of texts that were truncated to the length of a cell.
    #[serde(skip_serializing_if = "is_zero")]
    cut_cells: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Exports the tables of one deployment.
pub(crate) struct Exporter {
    pub(crate) files: Files,
}

impl Handler for Exporter {
    type Job = ExportData;

    async fn run(&self, job: ExportData, ctx: &JobContext) -> Result<Outcome, JobError> {
        tokio::select! {
            done = self.export(job, ctx) => done,
            // The partial upload is removed.
            () = ctx.cancelled() => Err(JobError::retryable("the run was stopped before the file was complete")),
        }
    }
}

impl Exporter {
    async fn export(&self, job: ExportData, ctx: &JobContext) -> Result<Outcome, JobError> {
        let ExportData { entity_type: entity, format, filters, recipients } = job;
        // The name is the same in each attempt, so a later file replaces an earlier one.
        let name = format!("{}-{}.{}", entity.as_str(), ctx.message_id, extension(format));
        let filter = Filter::from(filters);
        let mut walk = Walk::begin(&ctx.database, entity, &filter).await?;
        let mut upload = self.files.create(FOLDER, &name, content_type(format)).await?;
        let (rows, cut_cells) = match format {
            Format::Csv => (csv::write(entity, &mut walk, &mut upload, ctx).await?, 0),
            Format::Xlsx => {
                let written = xlsx::write(entity, &mut walk, &mut upload, ctx).await?;
                (written.rows, written.cut_cells)
            }
        };
        let bytes = upload.written();
        upload.finish().await?;

        let link = self.files.link(FOLDER, &name).await?;
        let title = format!("Export of {} ({rows} rows)", entity.as_str());
        tell(ctx, &recipients, &FileReady::new(title, &link, self.files.link_valid()))?;
        Ok(Outcome::with(Exported { file: self.files.address(FOLDER, &name), rows, bytes, cut_cells }))
    }
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Xlsx => "xlsx",
    }
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
}
