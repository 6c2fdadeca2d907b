//! Renders a report as a PDF with A4 pages.
//!
//! It uses `pdf-writer` (typst's writer, without dependencies) and Helvetica, which all readers have, so no font is
//! shipped. Texts are Windows-1252; other characters become `?`. Crates for any text (krilla, printpdf) embed fonts,
//! which we would have to ship although most names are ASCII.

mod page;
mod text;

use self::page::{Pages, Style};
use crate::report::{Owner, Report};

const BODY: Style = Style { size: 9.0, bold: false };
const HEADER: Style = Style { size: 9.0, bold: true };
const HEADING: Style = Style { size: 12.0, bold: true };
const TITLE: Style = Style { size: 16.0, bold: true };

/// Renders the file.
pub(crate) fn render(report: &Report) -> Vec<u8> {
    let mut pages = Pages::new(&report.title());
    pages.line(TITLE, &report.title());
    let totals = &report.totals;
    pages.line(
        BODY,
        &format!(
            "{} runs ended: {} completed, {} failed ({:.1} %). Total duration: {:.1} s.",
            totals.completed + totals.failed,
            totals.completed,
            totals.failed,
            totals.failure_rate * 100.0,
            totals.total_seconds,
        ),
    );
    pages.line(HEADING, &format!("Runs per {}", report.step));
    pages.chart(&report.runs);
    pages.line(HEADING, "By job type");
    pages.row(HEADER, &["type", "completed", "failed", "rate", "average", "p95", "total"].map(str::to_owned));
    for sums in &report.by_type {
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
        pages.row(
            BODY,
            &[
                sums.job_type.clone(),
                sums.completed.to_string(),
                sums.failed.to_string(),
                format!("{:.1} %", sums.failure_rate * 100.0),
                ms(sums.average_ms),
                ms(sums.p95_ms),
                format!("{:.1} s", sums.total_seconds),
            ],
        );
    }
    if let Some(usage) = &report.usage {
        owners(&mut pages, "By organization", &usage.organizations);
        owners(&mut pages, "By user", &usage.users);
    }
    pages.finish()
}

fn owners(pages: &mut Pages, heading: &str, owners: &[Owner]) {
    pages.line(HEADING, heading);
    pages.row(HEADER, &["id", "runs", "failed", "total"].map(str::to_owned));
    for Owner { id, runs, failed, total_seconds } in owners {
        let id = id.clone().unwrap_or_else(|| "(none)".into());
        pages.row(BODY, &[id, runs.to_string(), failed.to_string(), format!("{total_seconds:.1} s")]);
    }
}
