//! What is to be reached. The bench says whether it is; it fails for no figure.

use clap::Args;
use serde::Serialize;

use crate::figures::Figures;
use crate::lambda::Lambda;
use crate::series::Series;

/// Figures of another program, measured beside this run: the goals for throughput are ratios to it.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Reference {
    /// Its durable accepts per second at 128 connections, measured in the same minutes.
    #[arg(long, value_name = "PER_SECOND")]
    reference_accepts: Option<f64>,
    /// Its deliveries per second of a backlog of 20,000 jobs.
    #[arg(long, value_name = "PER_SECOND")]
    reference_backlog: Option<f64>,
    /// Its jobs per second when it accepts and delivers at once.
    #[arg(long, value_name = "PER_SECOND")]
    reference_both: Option<f64>,
}

/// A figure, its bound, and whether it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Goal {
    pub(crate) goal: &'static str,
    pub(crate) figure: f64,
    /// Such as `< 3 ms`.
    pub(crate) bound: &'static str,
    pub(crate) pass: bool,
}

/// The share of the reference that is to be reached.
const SHARE: f64 = 0.6;

/// The goals that there are figures for.
pub(crate) fn goals(figures: &Figures, reference: &Reference) -> Vec<Goal> {
    let accepts = figures.accepts.iter().find(|accepts| accepts.connections == 128).map(|accepts| &accepts.per_s);
    let backlog = figures.backlog.as_ref().map(|backlog| &backlog.per_s);
    let both = figures.both.as_ref().map(|both| &both.per_s);
    let throughput = [
        ("a accepts at 128 connections / reference", accepts, reference.reference_accepts),
        ("b backlog / reference", backlog, reference.reference_backlog),
        ("b accept and deliver at once / reference", both, reference.reference_both),
    ];
    let ratio = |(goal, series, reference): (_, Option<&Series>, Option<f64>)| {
        let figure = series?.median() / reference?;
        Some(Goal { goal, figure, bound: ">= 0.60", pass: figure >= SHARE })
    };
    let mut goals: Vec<Goal> = throughput.into_iter().filter_map(ratio).collect();

    if let Some(queue) = &figures.queue {
        let figure = queue.per_s.median();
        goals.push(Goal {
            goal: "g queue with parallelism 1, a second",
            figure,
            bound: ">= 300",
            pass: figure >= 300.0,
        });
    }
    if let Some(latency) = &figures.latency {
        goals.push(Goal { goal: "c p50", figure: latency.p50_ms, bound: "< 3 ms", pass: latency.p50_ms < 3.0 });
        goals.push(Goal { goal: "c p99", figure: latency.p99_ms, bound: "< 15 ms", pass: latency.p99_ms < 15.0 });
    }
    if let Some(idle) = &figures.idle {
        let pass = idle.per_hour <= 20.0;
        goals.push(Goal { goal: "d statements an hour", figure: idle.per_hour, bound: "<= 20", pass });
    }
    if let Some(peak_mb) = figures.peak_mb() {
        goals.push(Goal { goal: "e memory of serve", figure: peak_mb, bound: "< 40 MB", pass: peak_mb < 40.0 });
    }
    if let Some(handler) = &figures.handler {
        let figure = handler.overhead_p50_ms;
        goals.push(Goal { goal: "h overhead of a run, p50", figure, bound: "< 2 ms", pass: figure < 2.0 });
        goals.extend(handler.statements_per_run.map(|figure| Goal {
            goal: "h statements of a run",
            figure,
            bound: "<= 3",
            pass: figure <= 3.0,
        }));
    }
    goals.extend(figures.lambda.iter().flat_map(Lambda::goals));
    goals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accepts::Accepts;
    use crate::latency::Latency;

    #[test]
    fn only_what_was_measured_is_judged_and_throughput_only_beside_a_reference() {
        let mut figures = Figures { accepts: Accepts::all(), ..Figures::default() };
        figures.accepts.iter_mut().for_each(|accepts| accepts.per_s.push(600.0));
        assert_eq!(goals(&figures, &Reference::default()), []);

        figures.latency = Some(Latency { jobs: 400, p50_ms: 2.9, p99_ms: 15.0, max_ms: 20.0 });
        let reference = Reference { reference_accepts: Some(1_000.0), ..Reference::default() };
        let verdicts: Vec<_> = goals(&figures, &reference).into_iter().map(|goal| (goal.goal, goal.pass)).collect();
        let expected = [("a accepts at 128 connections / reference", true), ("c p50", true), ("c p99", false)];
        assert_eq!(verdicts, expected);
    }
}
