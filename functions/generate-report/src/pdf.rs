//! A report as pages of A4.
//!
//! Written with `pdf-writer` (typst's own writer, without dependencies) and Helvetica, which every reader
//! has: no font is shipped. So texts are Windows-1252, and what is not in it is shown as `?`. The crates
//! that take any text (krilla, printpdf) embed fonts, which we would have to ship for names that are ASCII.

mod page;
mod text;

use self::page::{Pages, Style};
use crate::report::{Owner, Report};

const BODY: Style = Style { size: 9.0, bold: false };
const HEADER: Style = Style { size: 9.0, bold: true };
const HEADING: Style = Style { size: 12.0, bold: true };
const TITLE: Style = Style { size: 16.0, bold: true };

/// The file.
pub(crate) fn render(report: &Report) -> Vec<u8> {
    let mut pages = Pages::new(&report.title());
    pages.line(TITLE, &report.title());
    let totals = &report.totals;
    pages.line(
        BODY,
        &format!(
            "{} runs ended: {} completed, {} failed ({:.1} %). They took {:.1} s together.",
            totals.completed + totals.failed,
            totals.completed,
            totals.failed,
            totals.failure_rate * 100.0,
            totals.total_seconds,
        ),
    );
    pages.line(HEADING, &format!("Runs per {}", report.step));
    pages.chart(&report.runs);
    pages.line(HEADING, "By type of job");
    pages.row(HEADER, &["type", "completed", "failed", "rate", "mean", "95 %", "together"].map(str::to_owned));
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
    pages.row(HEADER, &["id", "runs", "failed", "together"].map(str::to_owned));
    for Owner { id, runs, failed, total_seconds } in owners {
        let id = id.clone().unwrap_or_else(|| "(nobody)".into());
        pages.row(BODY, &[id, runs.to_string(), failed.to_string(), format!("{total_seconds:.1} s")]);
    }
}
