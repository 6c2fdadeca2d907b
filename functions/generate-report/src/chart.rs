//! Layout of a bar chart as rectangles, shared by HTML and PDF.

use crate::report::Bar;

/// A bar: completed runs, with failed runs stacked on top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) x: f32,
    pub(crate) width: f32,
    /// Heights above the baseline.
    pub(crate) completed: f32,
    pub(crate) failed: f32,
}

/// Returns the bars of a chart of this size and the value of its top line.
pub(crate) struct Chart {
    pub(crate) columns: Vec<Column>,
    pub(crate) top: i64,
}

impl Chart {
    pub(crate) fn new(bars: &[Bar], width: f32, height: f32) -> Self {
        let top = round_up(bars.iter().map(|bar| bar.completed + bar.failed).max().unwrap_or(0));
        #[expect(clippy::cast_precision_loss, reason = "a picture")]
        let (slot, scale) = (width / bars.len().max(1) as f32, height / top as f32);
        #[expect(clippy::cast_precision_loss, reason = "a picture")]
        let column = |(number, bar): (usize, &Bar)| Column {
            x: slot * (number as f32 + 0.1),
            width: slot * 0.8,
            completed: bar.completed as f32 * scale,
            failed: bar.failed as f32 * scale,
        };
        Self { columns: bars.iter().enumerate().map(column).collect(), top }
    }
}

/// Rounds up to 1, 2 or 5 times a power of ten.
fn round_up(most: i64) -> i64 {
    let steps = (0..18).flat_map(|power| [1, 2, 5].map(|step| step * 10_i64.pow(power)));
    steps.into_iter().find(|top| *top >= most).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::time;

    #[test]
    fn highest_line_is_a_round_number_above_all_bars() {
        for (most, top) in [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (501, 1000), (i64::MAX, i64::MAX)] {
            assert_eq!(round_up(most), top, "{most}");
        }
    }

    #[test]
    fn columns_are_as_high_as_their_share_and_stand_side_by_side() {
        let begins = time("2026-11-01T00:00:00Z");
        let bars = [Bar { begins, completed: 75, failed: 25 }, Bar { begins, completed: 0, failed: 0 }];
        let chart = Chart::new(&bars, 200.0, 100.0);
        assert_eq!(chart.top, 100);
        assert_eq!(chart.columns[0], Column { x: 10.0, width: 80.0, completed: 75.0, failed: 25.0 });
        assert_eq!(chart.columns[1], Column { x: 110.0, width: 80.0, completed: 0.0, failed: 0.0 });
        assert!(Chart::new(&[], 200.0, 100.0).columns.is_empty());
    }
}
