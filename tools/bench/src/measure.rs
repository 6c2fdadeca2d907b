//! The measurements in order.

use std::time::Duration;

use anyhow::Result;

use crate::accepts::{self, Accepts};
use crate::arguments::Arguments;
use crate::backlogs::{self, Backlog};
use crate::both::Both;
use crate::limits::Limits;
use crate::machine::Machine;
use crate::part::Part;
use crate::reference::measure::Reference;
use crate::report::Figures;
use crate::retained::Retained;
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::testbed::Testbed;
use crate::{handler, idle, lambda, latency, program, schedules};

/// Parts that are measured in several runs.
struct Runs {
    limits: Limits,
    reference: Reference,
    accepts: Vec<Accepts>,
    backlogs: Vec<Backlog>,
    both: Option<Both>,
    /// Whether the reference has a backlog too.
    compares_backlog: bool,
    retained: Option<Retained>,
}

/// Starts the required processes, measures the selected parts, and stops all processes.
pub(crate) async fn all(arguments: &Arguments) -> Result<Figures> {
    let testbed = Testbed::start(program::find(arguments.program.as_deref()).await?).await?;
    let mut figures = Figures { machine: Machine::read(&testbed.postgres).await?, ..Figures::default() };
    let mut runs = Runs::new(arguments);
    if runs.is_any() {
        figures.runs = arguments.runs;
        for run in 1..=arguments.runs {
            eprintln!("run {run} of {}", arguments.runs);
            figures.machine.read_neighbours().await;
            runs.measure(&testbed, Duration::from_secs(arguments.seconds), run).await?;
        }
        figures.limits = runs.limits.rows();
        figures.reference = runs.reference.rows();
        figures.rows = runs.rows();
    }
    if arguments.wants(Part::Latency) {
        figures.machine.read_neighbours().await;
        figures.rows.extend(latency::measure(&testbed).await?);
    }
    if arguments.wants(Part::Hanging) {
        figures.machine.read_neighbours().await;
        figures.rows.extend(latency::measure_beside_hanging(&testbed).await?);
    }
    if arguments.wants(Part::Schedules) {
        figures.machine.read_neighbours().await;
        figures.rows.extend(schedules::measure(&testbed).await?);
    }
    if arguments.wants(Part::Lambda) {
        figures.machine.read_neighbours().await;
        figures.lambda = lambda::measure(&testbed.postgres, &testbed.sink, arguments.node_sdk.as_deref()).await?;
    }
    let Testbed { program, sink, postgres } = testbed;
    postgres.stop().await?;
    if arguments.wants(Part::Idle) {
        let idle = idle::measure(&program, &sink, arguments.idle_window()).await?;
        figures.rows.push(idle.row());
        figures.idle = Some(idle);
    }
    sink.stop().await?;
    if arguments.wants(Part::Handler) {
        let handler = handler::measure().await?;
        figures.rows.extend(handler.rows());
        figures.handler = Some(handler);
    }
    figures.rows = figures.rows.into_iter().map(Row::judged).collect();
    Ok(figures)
}

impl Runs {
    fn new(arguments: &Arguments) -> Self {
        Self {
            limits: Limits::default(),
            reference: Reference::default(),
            accepts: if arguments.wants(Part::Accepts) { Accepts::all() } else { Vec::new() },
            backlogs: Backlog::all(arguments),
            both: arguments.wants(Part::Both).then(Both::default),
            retained: None,
            compares_backlog: arguments.wants(Part::Backlog),
        }
    }

    fn is_any(&self) -> bool {
        !self.accepts.is_empty() || !self.backlogs.is_empty() || self.both.is_some()
    }

    async fn measure(&mut self, testbed: &Testbed, window: Duration, run: usize) -> Result<()> {
        self.limits.measure(&testbed.postgres, &testbed.sink, window).await?;
        for part in [Part::Accepts, Part::Backlog, Part::Both] {
            // The reference goes first in every second run, so that changes of the machine affect both equally.
            for is_reference in if run.is_multiple_of(2) { [true, false] } else { [false, true] } {
                if is_reference {
                    self.measure_reference(part, testbed, window).await?;
                } else {
                    self.measure_sigpost(part, testbed, window).await?;
                }
            }
        }
        for backlog in self.backlogs.iter_mut().filter(|backlog| !backlog.is_plain()) {
            backlog.measure(testbed, &mut self.retained).await?;
        }
        Ok(())
    }

    /// Adds a run of a part that is compared with the reference, if it is measured.
    async fn measure_sigpost(&mut self, part: Part, testbed: &Testbed, window: Duration) -> Result<()> {
        match part {
            Part::Accepts if !self.accepts.is_empty() => accepts::measure(&mut self.accepts, testbed, window).await?,
            Part::Backlog => {
                for backlog in self.backlogs.iter_mut().filter(|backlog| backlog.is_plain()) {
                    backlog.measure(testbed, &mut self.retained).await?;
                }
            }
            Part::Both => {
                if let Some(both) = &mut self.both {
                    both.measure(testbed).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds a run of the reference.
    async fn measure_reference(&mut self, part: Part, testbed: &Testbed, window: Duration) -> Result<()> {
        match part {
            Part::Accepts if !self.accepts.is_empty() => self.reference.accepts(testbed, window).await,
            Part::Backlog if self.compares_backlog => self.reference.backlog(testbed).await,
            Part::Both if self.both.is_some() => self.reference.both(testbed).await,
            _ => Ok(()),
        }
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> =
            self.accepts.iter().map(|accepts| accepts.row(&self.limits, &self.reference.accepts)).collect();
        rows.extend(backlogs::rows(&self.backlogs, &self.limits, &self.reference.backlog));
        rows.extend(self.both.iter().flat_map(|both| both.rows(&self.limits, &self.reference.both)));
        rows.extend(self.memory());
        rows
    }

    /// Returns the peak memory of `serve` in the parts `backlog` and `both`.
    fn memory(&self) -> Option<Row> {
        let backlog = self
            .backlogs
            .iter()
            .filter(|backlog| backlog.is_plain())
            .map(|backlog| (Part::Backlog, &backlog.usage.peak_mb));
        let both = self.both.iter().map(|both| (Part::Both, &both.usage.peak_mb));
        let (part, peak_mb) = backlog.chain(both).max_by(|(_, one), (_, other)| one.max().total_cmp(&other.max()))?;
        let peak = Series::of(&[peak_mb.max()]);
        Some(Row::new(part, "memory", "peak memory of serve, backlog and both", Unit::Megabytes, &peak))
    }
}
