//! Charts over time, from the rollups.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maud::{Markup, html};
use sigpost_store::metrics::{
    Depth, MessagePoint, QueuePoint, RunPoint, Window, message_series, queue_series, run_series,
};
use sigpost_store::{AsyncPgConnection, Error};

use super::chart::{Series, lines};

/// The series of a window.
pub(crate) struct Trends {
    pub(crate) messages: Vec<MessagePoint>,
    runs: Vec<RunPoint>,
    queue: Vec<QueuePoint>,
    window: Window,
    now: Timestamp,
}

/// Reads the series. The rollups should be caught up.
pub(crate) async fn read(conn: &mut AsyncPgConnection, window: Window) -> Result<Trends, Error> {
    let messages = message_series(conn, window).await?;
    let runs = run_series(conn, window).await?;
    Ok(Trends { messages, runs, queue: queue_series(conn, window).await?, window, now: Timestamp::now() })
}

impl Trends {
    pub(crate) fn draw(&self) -> Markup {
        html! { div.charts { (self.depth()) (self.deliveries()) (self.runs()) (self.durations()) } }
    }

    fn deliveries(&self) -> Markup {
        let of = |name, count: fn(&MessagePoint) -> i64| {
            self.counted(name, self.messages.iter().map(|point| (point.at_s, count(point))))
        };
        let series = [
            of("delivered", |point| point.counts.delivered),
            of("failed attempts", |point| point.counts.errors),
            of("dead letters", |point| point.counts.failed),
        ];
        lines("Deliveries", self.unit(), &series)
    }

    fn runs(&self) -> Markup {
        let of = |name, count: fn(&RunPoint) -> i64| {
            self.counted(name, self.runs.iter().map(|point| (point.at_s, count(point))))
        };
        lines("Runs", self.unit(), &[of("completed", |run| run.completed), of("failed", |run| run.failed)])
    }

    /// Draws the queue depth without scheduled messages, whose number would dwarf the others. The line has a gap where
    /// samples are missing. An idle deployment takes a sample only every 15 minutes.
    fn depth(&self) -> Markup {
        #[expect(clippy::cast_precision_loss, reason = "a picture")]
        let of = |name, depth: fn(&QueuePoint) -> Depth| Series {
            name,
            points: self.queue.iter().map(|point| (point.at_s * 1000, depth(point).most as f64)).collect(),
            longest_gap_ms: if self.is_by_minute() { 20 * 60_000 } else { 3_600_000 },
        };
        let series =
            [of("due", |point| point.due), of("blocked", |point| point.waiting), of("in flight", |point| point.active)];
        let unit = if self.is_by_minute() { "messages" } else { "messages, hourly maximum" };
        lines("Queue depth", unit, &series)
    }

    /// Draws the percentiles. A step without runs has no point; the line connects its neighbours.
    fn durations(&self) -> Markup {
        let of = |name, which: fn(&sigpost_store::metrics::Durations) -> f64| Series {
            name,
            points: self
                .runs
                .iter()
                .filter_map(|point| Some((point.at_s * 1000, which(point.durations.as_ref()?))))
                .collect(),
            longest_gap_ms: i64::MAX,
        };
        let series = [
            of("p50", |durations| durations.p50_ms),
            of("p95", |durations| durations.p95_ms),
            of("p99", |durations| durations.p99_ms),
        ];
        lines("Run duration", "ms", &series)
    }

    /// Fills steps that a series leaves out with zeros.
    fn counted(&self, name: &'static str, counts: impl Iterator<Item = (i64, i64)>) -> Series {
        let counts: BTreeMap<i64, i64> = counts.collect();
        let step_s = i64::try_from(self.window.step().as_secs()).unwrap_or(60);
        let length_s = i64::try_from(self.window.length().as_secs()).unwrap_or(0);
        let last = self.now.as_second() / step_s * step_s;
        let first = (self.now.as_second() - length_s) / step_s * step_s;
        #[expect(clippy::cast_precision_loss, reason = "a picture")]
        let point = |at_s: i64| (at_s * 1000, counts.get(&at_s).copied().unwrap_or(0) as f64);
        let steps = std::iter::successors(Some(first), |at| Some(at + step_s)).take_while(|at| *at <= last);
        Series { name, points: steps.map(point).collect(), longest_gap_ms: i64::MAX }
    }

    fn unit(&self) -> &'static str {
        if self.is_by_minute() { "per minute" } else { "per hour" }
    }

    fn is_by_minute(&self) -> bool {
        self.window.step().as_secs() == 60
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn steps_without_anything_are_zeros() {
        let now = Timestamp::from_second(10_030).expect("a time");
        let window = Window::new(Duration::from_secs(180));
        let trends = Trends { messages: Vec::new(), runs: Vec::new(), queue: Vec::new(), window, now };
        let Series { points, .. } = trends.counted("runs", [(9_900, 4)].into_iter());
        assert_eq!(points, [(9_840_000, 0.0), (9_900_000, 4.0), (9_960_000, 0.0), (10_020_000, 0.0)]);
    }
}
