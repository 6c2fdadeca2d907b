//! Line charts over time as SVG. Colour and dash pattern distinguish the lines.

use std::fmt::Write;

use jiff::Timestamp;
use maud::{Markup, html};

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 130.0;
/// Margins for the axis labels.
const LEFT: f64 = 44.0;
const BELOW: f64 = 20.0;
const ABOVE: f64 = 8.0;
const DAY_MS: i64 = 86_400_000;
/// Dash patterns of the lines, by index.
const DASHES: [&str; 4] = ["none", "6 3", "2 3", "8 3 2 3"];

/// A line: values at times in milliseconds since 1970, ordered by time.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(i64, f64)>,
    /// Points further apart than this, in milliseconds, are not connected.
    pub(crate) longest_gap_ms: i64,
}

/// Draws lines over the same time, from zero to a round number. `unit` is the unit of the values.
pub(crate) fn lines(title: &str, unit: &str, series: &[Series]) -> Markup {
    let times = || series.iter().flat_map(|series| series.points.iter().map(|(at, _)| *at));
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return html! { figure { figcaption { (title) } p.hint { "No data yet." } } };
    };
    let most = series.iter().flat_map(|series| series.points.iter().map(|(_, value)| *value)).fold(0.0, f64::max);
    let scale = Scale { first, last: last.max(first + 1), top: round_up(most) };
    html! {
        figure {
            figcaption { (title) ", " (unit) }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ (title) ": " (summary(series)) } {
                @for (y, value) in [(scale.y(0.0), 0.0), (scale.y(scale.top / 2.0), scale.top / 2.0), (scale.y(scale.top), scale.top)] {
                    line.axis x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                    text x=(LEFT - 6.0) y=(y + 4.0) text-anchor="end" { (value) }
                }
                text x=(LEFT) y=(HEIGHT - 4.0) { (scale.time(first)) }
                text x=(WIDTH) y=(HEIGHT - 4.0) text-anchor="end" { (scale.time(last)) " UTC" }
                @for (number, series) in series.iter().enumerate() {
                    path class={ "curve series-" (number % 4) } stroke-dasharray=(DASHES[number % 4]) d=(scale.path(series)) {}
                }
            }
            ul.key {
                @for (number, series) in series.iter().enumerate() {
                    li {
                        svg viewBox="0 0 22 8" aria-hidden="true" {
                            path class={ "curve series-" (number % 4) } stroke-dasharray=(DASHES[number % 4]) d="M0 4H22" {}
                        }
                        (series.name)
                    }
                }
            }
        }
    }
}

struct Scale {
    first: i64,
    last: i64,
    top: f64,
}

#[expect(clippy::cast_precision_loss, reason = "a picture")]
impl Scale {
    fn x(&self, at: i64) -> f64 {
        LEFT + (WIDTH - LEFT) * (at - self.first) as f64 / (self.last - self.first) as f64
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BELOW - (HEIGHT - BELOW - ABOVE) * value / self.top
    }

    /// Formats a time, with the day if the chart spans a day or more.
    fn time(&self, at_ms: i64) -> String {
        let format = if self.last - self.first < DAY_MS { "%H:%M" } else { "%b %-d, %H:%M" };
        Timestamp::from_millisecond(at_ms).map_or_else(|_| String::new(), |at| at.strftime(format).to_string())
    }

    fn path(&self, series: &Series) -> String {
        let mut path = String::with_capacity(series.points.len() * 12);
        let mut before = None;
        for (at, value) in &series.points {
            let is_continuous = before.is_some_and(|before| at - before <= series.longest_gap_ms);
            before = Some(at);
            let letter = if is_continuous { 'L' } else { 'M' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{letter}{:.1} {:.1}", self.x(*at), self.y(*value));
        }
        path
    }
}

/// Describes the chart in words, for screen readers.
fn summary(series: &[Series]) -> String {
    let most = |series: &Series| series.points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let last = |series: &Series| series.points.last().map_or(0.0, |(_, value)| *value);
    let told: Vec<_> =
        series.iter().map(|one| format!("{}: latest {:.0}, maximum {:.0}", one.name, last(one), most(one))).collect();
    told.join("; ")
}

/// Rounds up to 1, 2 or 5 times a power of ten, at least 2 because the axis also shows the half.
fn round_up(most: f64) -> f64 {
    let steps = (0..15).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)));
    steps.skip(1).find(|top| *top >= most).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_in_their_box_and_reach_its_ends() {
        let scale = Scale { first: 0, last: 100, top: round_up(40.0) };
        let path = |points, longest_gap_ms| scale.path(&Series { name: "a", points, longest_gap_ms });
        assert_eq!(path(vec![(0, 0.0), (100, 50.0)], i64::MAX), "M44.0 110.0L380.0 8.0");
        assert_eq!(path(vec![(0, 0.0), (25, 0.0), (100, 50.0)], 50), "M44.0 110.0L128.0 110.0M380.0 8.0");
        for (most, top) in [(0.0, 2.0), (2.0, 2.0), (3.0, 5.0), (11.0, 20.0), (501.0, 1000.0)] {
            assert!((round_up(most) - top).abs() < f64::EPSILON, "{most}");
        }
    }

    #[test]
    fn times_are_told_with_their_day_where_there_are_several() {
        let time = |last| Scale { first: 0, last, top: 1.0 }.time(3_600_000);
        assert_eq!([time(DAY_MS - 1), time(7 * DAY_MS)], ["01:00", "Jan 1, 01:00"]);
    }

    #[test]
    fn chart_has_a_text_description() {
        let series = [Series { name: "delivered", points: vec![(0, 3.0), (60_000, 2.0)], longest_gap_ms: i64::MAX }];
        let drawn = lines("Deliveries", "per minute", &series).into_string();
        assert!(drawn.contains("aria-label=\"Deliveries: delivered: latest 2, maximum 3\""), "{drawn}");
        assert!(lines("Deliveries", "per minute", &[]).into_string().contains("No data yet."));
    }
}
