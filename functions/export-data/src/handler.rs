//! Walk, write, link, tell.

use serde::Serialize;
use sigpost_files::{FileReady, Files, tell};
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::export::{Filter, Walk};

use crate::{ExportData, Format, csv, xlsx};

/// What the names of the files begin with.
const FOLDER: &str = "exports";

/// The result of the job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    /// Where the file is, for who may look there.
    file: String,
    rows: u64,
    bytes: u64,
    /// Texts that were too long for a cell of a workbook.
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
            // What has been sent of the file is removed.
            () = ctx.cancelled() => Err(JobError::retryable("the run was stopped before the file was whole")),
        }
    }
}

impl Exporter {
    async fn export(&self, job: ExportData, ctx: &JobContext) -> Result<Outcome, JobError> {
        let ExportData { entity_type: entity, format, filters, recipients } = job;
        // The same in each attempt: a later one puts its file in place of an earlier one's.
        let name = format!("{}-{}.{}", entity.as_str(), ctx.message_id, format.extension());
        let filter = Filter::from(filters);
        let mut walk = Walk::begin(&ctx.database, entity, &filter).await?;
        let mut upload = self.files.create(FOLDER, &name, format.content_type()).await?;
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
        tell(ctx, &recipients, &FileReady::new(title, link, self.files.link_valid()))?;
        Ok(Outcome::with(Exported { file: self.files.address(FOLDER, &name), rows, bytes, cut_cells }))
    }
}
