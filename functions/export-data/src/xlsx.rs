//! XLSX output. Rows are written to a temporary file, and the workbook to a second one. Neither is held in memory.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use sigpost_files::Upload;
use sigpost_jobs::{JobContext, JobError};
use sigpost_store::export::{Column, Entity, Kind, Row, Walk};
use tokio::io::AsyncReadExt;

use crate::progress::Progress;

/// Maximum number of rows of a sheet without the header.
const MAX_ROWS: u32 = 1_048_575;
/// Maximum length of a cell in characters.
const MAX_CHARS: usize = 32_767;
/// Size of the chunks in which the workbook is uploaded, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// Result of an export.
pub(crate) struct Written {
    pub(crate) rows: u64,
    /// Number of texts that were truncated to the length of a cell.
    pub(crate) cut_cells: u64,
}

/// Writes all rows of the walk to a workbook.
pub(crate) async fn write(
    entity: Entity,
    walk: &mut Walk<'_>,
    upload: &mut Upload,
    ctx: &JobContext,
) -> Result<Written, JobError> {
    let mut progress = Progress::new(ctx);
    let mut sheet = Sheet::new(entity).map_err(failed)?;
    loop {
        let rows = walk.next_page().await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            sheet.add(row)?;
        }
        progress.add(rows.len(), 0).await?;
    }
    let cut_cells = sheet.cut_cells;
    // Compression takes seconds for a million rows.
    let file = tokio::task::spawn_blocking(move || sheet.save()).await.map_err(JobError::retryable)??;
    let mut file = tokio::fs::File::from_std(file);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = file.read(&mut chunk).await.map_err(no_space)?;
        if count == 0 {
            return Ok(Written { rows: progress.rows(), cut_cells });
        }
        upload.write(&chunk[..count]).await?;
        progress.add(0, upload.written()).await?;
    }
}

/// A workbook with one sheet. Rows are appended.
struct Sheet {
    workbook: Workbook,
    columns: &'static [Column],
    rows: u32,
    cut_cells: u64,
}

impl Sheet {
    /// Creates a workbook with a frozen header.
    fn new(entity: Entity) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        let columns = entity.columns();
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(entity.as_str())?;
        sheet.set_freeze_panes(1, 0)?;
        let bold = Format::new().set_bold();
        for (column, number) in columns.iter().zip(0..) {
            sheet.write_string_with_format(0, number, column.name, &bold)?;
        }
        Ok(Self { workbook, columns, rows: 0, cut_cells: 0 })
    }

    fn add(&mut self, row: &Row) -> Result<(), JobError> {
        if self.rows == MAX_ROWS {
            let limit = "a workbook has at most 1,048,575 rows: use csv, or narrower filters";
            return Err(JobError::permanent(format!("format: {limit}")));
        }
        self.rows += 1;
        self.write(row).map_err(failed)
    }

    fn write(&mut self, row: &Row) -> Result<(), XlsxError> {
        let sheet = self.workbook.worksheet_from_index(0)?;
        for ((cell, column), number) in row.iter().zip(self.columns).zip(0..) {
            let Some(text) = cell else { continue };
            match (column.kind, text.parse::<f64>()) {
                (Kind::Number, Ok(value)) => sheet.write_number(self.rows, number, value)?,
                _ => match text.char_indices().nth(MAX_CHARS) {
                    None => sheet.write_string(self.rows, number, text)?,
                    Some((end, _)) => {
                        self.cut_cells += 1;
                        sheet.write_string(self.rows, number, &text[..end])?
                    }
                },
            };
        }
        Ok(())
    }

    /// Saves the workbook to an anonymous temporary file, which is deleted when it is closed.
    fn save(mut self) -> Result<File, JobError> {
        let mut file = tempfile::tempfile().map_err(no_space)?;
        self.workbook.save_to_writer(&mut file).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(no_space)?;
        Ok(file)
    }
}

fn failed(error: XlsxError) -> JobError {
    JobError::retryable(format!("cannot write the workbook: {error}"))
}

fn no_space(error: std::io::Error) -> JobError {
    JobError::retryable(format!("cannot use the temporary file: {error}"))
}
