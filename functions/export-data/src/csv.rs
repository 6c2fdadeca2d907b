//! CSV output.

use csv::{Terminator, WriterBuilder};
use sigpost_files::Upload;
use sigpost_jobs::{JobContext, JobError};
use sigpost_store::export::{Column, Entity, Kind, Row, Walk};

use crate::progress::Progress;

/// Writes a header and all rows of the walk. Returns the number of rows.
pub(crate) async fn write(
    entity: Entity,
    walk: &mut Walk<'_>,
    upload: &mut Upload,
    ctx: &JobContext,
) -> Result<u64, JobError> {
    let columns = entity.columns();
    let mut progress = Progress::new(ctx);
    upload.write(&record([columns.iter().map(|column| column.name.as_bytes())])?).await?;
    loop {
        let rows = walk.next_page().await?;
        if rows.is_empty() {
            return Ok(progress.rows());
        }
        let lines: Vec<Vec<Vec<u8>>> = rows.iter().map(|row| cells(row, columns)).collect();
        upload.write(&record(&lines)?).await?;
        progress.add(rows.len(), upload.written()).await?;
    }
}

/// Returns the cells of a row. A text that a spreadsheet would evaluate as a formula is prefixed with an apostrophe
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn cells(row: &Row, columns: &[Column]) -> Vec<Vec<u8>> {
    let cell = |(cell, column): (&Option<String>, &Column)| {
        let text = cell.as_deref().unwrap_or_default();
        let is_formula = column.kind == Kind::Text && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if is_formula { format!("'{text}").into_bytes() } else { text.as_bytes().to_vec() }
    };
    row.iter().zip(columns).map(cell).collect()
}

fn record<R, C>(rows: impl IntoIterator<Item = R>) -> Result<Vec<u8>, JobError>
where
    R: IntoIterator<Item = C>,
    C: AsRef<[u8]>,
{
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(JobError::permanent)?;
    }
    writer.into_inner().map_err(JobError::permanent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_stays_a_text_and_numbers_stay_numbers() {
        let columns = [Column { name: "error", kind: Kind::Text }, Column { name: "count", kind: Kind::Number }];
        let row = |error: &str, count: &str| vec![Some(error.to_owned()), Some(count.to_owned())];
        let rows = [row("=cmd|' /c calc'!A1", "-1"), row("said \"no\",\nand went", "0"), vec![None, None]];
        let lines: Vec<_> = rows.iter().map(|row| cells(row, &columns)).collect();
        let written = String::from_utf8(record(&lines).expect("CSV")).expect("UTF-8");
        assert_eq!(written, "'=cmd|' /c calc'!A1,-1\r\n\"said \"\"no\"\",\nand went\",0\r\n,\r\n");
    }
}
