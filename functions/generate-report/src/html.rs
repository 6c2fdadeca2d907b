//! Renders a report as one HTML page with an inline SVG chart. It loads no resources and has no scripts.

use std::fmt::{self, Write};

use crate::chart::Chart;
use crate::report::{OfType, Owner, Report};

const WIDTH: f32 = 720.0;
const HEIGHT: f32 = 160.0;
const STYLE: &str = "body{margin:24px auto;max-width:760px;padding:0 16px;font:15px/1.5 system-ui,sans-serif;color:#37352f}\
h1{font-size:22px}h2{font-size:17px;margin-top:32px}table{border-collapse:collapse;width:100%}\
th,td{padding:4px 8px;border-bottom:1px solid #e9e5e2;text-align:right}th:first-child,td:first-child{text-align:left}\
svg{width:100%;height:auto}.muted{color:#787066}";

/// Renders the page.
pub(crate) fn render(report: &Report) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write(report, &mut page);
    page
}

fn write(report: &Report, page: &mut String) -> fmt::Result {
    let title = report.title();
    let totals = &report.totals;
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n<p>{} runs ended: {} completed, {} failed ({:.1} %). Total duration: {:.1} s.</p>\n",
        totals.completed + totals.failed,
        totals.completed,
        totals.failed,
        totals.failure_rate * 100.0,
        totals.total_seconds,
    )?;
    writeln!(page, "<h2>Runs per {}</h2>", report.step)?;
    chart(report, page)?;
    writeln!(page, "<h2>By job type</h2>")?;
    types(&report.by_type, page)?;
    if let Some(usage) = &report.usage {
        writeln!(page, "<h2>By organization</h2>")?;
        owners(&usage.organizations, page)?;
        writeln!(page, "<h2>By user</h2>")?;
        owners(&usage.users, page)?;
    }
    page.write_str("</body>\n</html>\n")
}

fn chart(report: &Report, page: &mut String) -> fmt::Result {
    let Chart { columns, top } = Chart::new(&report.runs, WIDTH, HEIGHT);
    writeln!(
        page,
        "<svg viewBox=\"0 -16 {WIDTH} {}\" role=\"img\" aria-label=\"Runs per {}: completed in blue, failed in red\">\n\
         <text x=\"0\" y=\"-4\" font-size=\"11\" fill=\"#787066\">{top}</text>\n\
         <path d=\"M0 0H{WIDTH}M0 {HEIGHT}H{WIDTH}\" stroke=\"#e9e5e2\"/>",
        HEIGHT + 36.0,
        report.step,
    )?;
    for (column, bar) in columns.iter().zip(&report.runs) {
        let rectangle = |height: f32, above: f32, colour: &str| {
            let (y, x, width) = (HEIGHT - above - height, column.x, column.width);
            if height == 0.0 {
                return String::new();
            }
            format!("<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{colour}\"/>")
        };
        let (completed, failed) = (bar.completed, bar.failed);
        if completed + failed > 0 {
            writeln!(
                page,
                "<g><title>{}: {completed} completed, {failed} failed</title>{}{}</g>",
                bar.begins,
                rectangle(column.completed, 0.0, "#4c78a8"),
                rectangle(column.failed, column.completed, "#d1495b"),
            )?;
        }
    }
    for (bar, x, anchor) in
        [(report.runs.first(), 0.0, "start"), (report.runs.last(), WIDTH, "end")].into_iter().filter_map(label)
    {
        writeln!(
            page,
            "<text x=\"{x}\" y=\"{}\" font-size=\"11\" fill=\"#787066\" text-anchor=\"{anchor}\">{bar}</text>",
            HEIGHT + 14.0
        )?;
    }
    page.write_str("</svg>\n")
}

fn label<'a>((bar, x, anchor): (Option<&crate::report::Bar>, f32, &'a str)) -> Option<(String, f32, &'a str)> {
    Some((bar?.begins.strftime("%Y-%m-%d %H:%M").to_string(), x, anchor))
}

fn types(types: &[OfType], page: &mut String) -> fmt::Result {
    page.write_str("<table>\n<tr><th>type</th><th>completed</th><th>failed</th><th>failure rate</th><th>average</th><th>p95</th><th>total</th></tr>\n")?;
    for sums in types {
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.1} %</td><td>{}</td><td>{}</td><td>{:.1} s</td></tr>",
            Escaped(&sums.job_type),
            sums.completed,
            sums.failed,
            sums.failure_rate * 100.0,
            ms(sums.average_ms),
            ms(sums.p95_ms),
            sums.total_seconds,
        )?;
    }
    page.write_str("</table>\n")
}

fn owners(owners: &[Owner], page: &mut String) -> fmt::Result {
    page.write_str("<table>\n<tr><th>id</th><th>runs</th><th>failed</th><th>total</th></tr>\n")?;
    for owner in owners {
        let id = match &owner.id {
            Some(id) => format!("<td>{}</td>", Escaped(id)),
            None => "<td class=\"muted\">none</td>".to_owned(),
        };
        let Owner { runs, failed, total_seconds, .. } = owner;
        writeln!(page, "<tr>{id}<td>{runs}</td><td>{failed}</td><td>{total_seconds:.1} s</td></tr>")?;
    }
    page.write_str("</table>\n")
}

/// Displays a text escaped for HTML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample;

    #[test]
    fn page_has_everything_in_it_and_nothing_in_it_is_markup() {
        let page = render(&sample());
        for part in [
            "<title>Usage report, 2026-11-01 to 2026-11-07</title>",
            "100 runs ended: 97 completed, 3 failed (3.0 %).",
            "<svg viewBox",
            "2026-11-02T00:00:00Z: 97 completed, 3 failed",
            "<td>a &lt;b&gt; (c) &amp; d</td><td>97</td><td>3</td><td>3.0 %</td><td>12.3 ms</td><td>40.0 ms</td><td>1.2 s</td>",
            "<td class=\"muted\">none</td>",
            "<td>Zoë</td>",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert_eq!(page.matches("<g>").count(), 1, "one day has runs");
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("src="));
    }
}
