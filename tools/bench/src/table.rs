//! Tables of the report.

use std::fmt::Write;

use crate::row::Row;

/// Lines of a name, a figure and a remark.
pub(crate) struct Table(String);

impl Table {
    /// Creates a table that begins with this text.
    pub(crate) fn below(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    pub(crate) fn text(&self) -> String {
        self.0.trim_end().to_owned()
    }

    pub(crate) fn heading(&mut self, text: &str) {
        let _ = write!(self.0, "\n{text}\n");
    }

    pub(crate) fn line(&mut self, name: &str, figure: &str, remark: &str) {
        self.push(&format!("  {name:<52} {figure:>14}   {remark}"));
    }

    pub(crate) fn rows(&mut self, heading: &str, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        self.0.push('\n');
        self.columns([heading, "median", "least to most", "ratio", "goal", "", "serve peak", ""]);
        for row in rows {
            let (title, show) = (format!("  {}", row.title), |value| row.unit.show(value));
            let spread = match row.value.runs() {
                [] | [_] => String::new(),
                _ => format!("{} to {}", show(row.value.min()), show(row.value.max())),
            };
            let ratio = row.ratio.as_ref().map(|ratio| format!("{:.0} % of {}", ratio.runs.median() * 100.0, ratio.of));
            let (bound, verdict) = match &row.goal {
                Some(goal) => (goal.bound.as_str(), if goal.pass { "PASS" } else { "FAIL" }),
                None => ("", ""),
            };
            let peak = row.serve_peak_mb.map(|peak_mb| format!("{peak_mb:.1} MB"));
            let (ratio, peak) = (ratio.unwrap_or_default(), peak.unwrap_or_default());
            self.columns([&title, &show(row.value.median()), &spread, &ratio, bound, verdict, &peak, &row.remark]);
        }
    }

    fn columns(&mut self, [name, value, spread, ratio, goal, verdict, peak, remark]: [&str; 8]) {
        self.push(&format!(
            "{name:<52} {value:>11}   {spread:<24} {ratio:<25} {goal:<11} {verdict:<4} {peak:>10}   {remark}"
        ));
    }

    fn push(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }
}
