//! Text tables. Control characters in stored data, such as URLs and errors, are escaped.

use std::time::Duration;

use indicatif::HumanDuration;
use jiff::Timestamp;

/// Rows under headings. A column whose cells all begin with a digit is right-aligned, except the first.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    /// Adds a row. Truncates long cells, which would widen every row.
    pub(crate) fn row<const N: usize>(mut self, cells: [String; N]) -> Self {
        self.rows.push(cells.map(cut).to_vec());
        self
    }

    /// Adds a row for each item.
    pub(crate) fn rows<const N: usize, T>(
        self,
        all: impl IntoIterator<Item = T>,
        row: impl Fn(T) -> [String; N],
    ) -> Self {
        all.into_iter().fold(self, |table, one| table.row(row(one)))
    }

    /// Renders the table, or returns this text if it has no rows.
    pub(crate) fn or(self, empty: &str) -> String {
        if self.rows.len() > 1 { self.draw() } else { empty.to_owned() }
    }

    /// Renders the table.
    pub(crate) fn draw(self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let is_number = |cell: &String| cell == NOTHING || cell.starts_with(|c: char| c.is_ascii_digit());
        let numeric = |column: usize| column > 0 && self.rows[1..].iter().all(|row| is_number(&row[column]));
        let shape: Vec<(usize, bool)> = (0..columns).map(|column| (width(column), numeric(column))).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&shape).map(|(cell, &(width, numeric))| match numeric {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Maximum number of characters of a cell.
const LONGEST_CELL: usize = 2000;

fn cut(mut cell: String) -> String {
    if let Some((end, _)) = cell.char_indices().nth(LONGEST_CELL) {
        cell.truncate(end);
        cell.push('…');
    }
    cell
}

/// Cell without a value.
const NOTHING: &str = "-";

/// Formats a text on one line, with control characters escaped.
pub(crate) fn text(text: impl AsRef<str>) -> String {
    match text.as_ref() {
        "" => NOTHING.to_owned(),
        text => harmless(text),
    }
}

/// Formats a text that may be absent.
pub(crate) fn optional(text: Option<impl AsRef<str>>) -> String {
    text.map_or_else(|| NOTHING.to_owned(), self::text)
}

/// Escapes control characters, which a terminal could interpret.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Formats a limit. 0 means no limit.
pub(crate) fn limit(limit: u32) -> String {
    if limit == 0 { NOTHING.to_owned() } else { limit.to_string() }
}

/// Formats Unix milliseconds as a UTC time.
pub(crate) fn time(ms: impl Into<Option<i64>>) -> String {
    let time = ms.into().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| NOTHING.to_owned(), |time| format!("{time:.3}"))
}

/// Formats seconds as an approximate duration such as `25h`.
pub(crate) fn seconds(seconds: impl Into<Option<f64>>) -> String {
    let duration = seconds.into().map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default());
    duration.map_or_else(|| NOTHING.to_owned(), |duration| format!("{:#}", HumanDuration(duration)))
}

/// Formats a ratio as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Formats milliseconds with one decimal.
pub(crate) fn milliseconds(ms: Option<f64>) -> String {
    ms.map_or_else(|| NOTHING.to_owned(), |ms| format!("{ms:.1} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_to_the_right() {
        let table = Table::new(["NAME", "LAG", "SINCE"]).row(["a".into(), "7".into(), time(1_763_800_000_123)]).row([
            "long-name".into(),
            "1200".into(),
            "-".into(),
        ]);
        let expected = "NAME        LAG                     SINCE\n\
                        a             7  2025-11-22T08:26:40.123Z\n\
                        long-name  1200                         -";
        assert_eq!(table.or("no queues"), expected);
        assert_eq!(Table::new(["NAME"]).or("no queues"), "no queues");
    }

    #[test]
    fn cells_are_what_people_read() {
        assert_eq!((optional(None::<&str>), optional(Some("a")), text("")), ("-".into(), "a".into(), "-".into()));
        assert_eq!(text("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
        assert_eq!((limit(0), limit(5)), ("-".into(), "5".into()));
        assert_eq!((percent(0.0512), milliseconds(Some(12.34))), ("5.1 %".into(), "12.3 ms".into()));
        assert_eq!((seconds(90_000.0), seconds(None), time(None)), ("25h".into(), "-".into(), "-".into()));
    }
}
