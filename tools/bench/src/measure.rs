//! The measurements, in their order.

use std::time::Duration;

use anyhow::Result;

use crate::accepts::{self, Accepts};
use crate::arguments::Arguments;
use crate::figures::Figures;
use crate::machine::Machine;
use crate::part::Part;
use crate::testbed::Testbed;
use crate::{goals, handler, idle, lambda, latency, program};

/// Starts what is needed, measures what the arguments ask for, and stops everything.
pub(crate) async fn all(arguments: &Arguments) -> Result<Figures> {
    let wants = |parts: &[Part]| arguments.wants(parts);
    let (accepts, deliveries) = (wants(&[Part::A]), wants(&[Part::B, Part::E, Part::F]));

    let testbed = Testbed::start(program::find(arguments.program.as_deref()).await?).await?;
    let Testbed { postgres, sink, .. } = &testbed;
    let queue = wants(&[Part::G]);
    let runs = if accepts || deliveries || queue { arguments.runs } else { 0 };
    let mut figures = Figures { machine: Machine::look(postgres).await?, runs, ..Figures::default() };
    if accepts {
        figures.accepts = Accepts::all();
    }
    let window = Duration::from_secs(arguments.seconds);
    for run in 1..=runs {
        eprintln!("run {run} of {runs}");
        figures.machine.look_at_neighbours().await;
        figures.limits.get_or_insert_default().measure(postgres, sink, window).await?;
        if accepts {
            accepts::measure(&mut figures.accepts, &testbed, window).await?;
        }
        if deliveries {
            figures.backlog.get_or_insert_default().measure(&testbed).await?;
            figures.both.get_or_insert_default().measure(&testbed).await?;
        }
        if queue {
            figures.queue.get_or_insert_default().measure(&testbed).await?;
        }
    }
    if wants(&[Part::C]) {
        figures.machine.look_at_neighbours().await;
        figures.latency = Some(latency::measure(&testbed).await?);
    }
    if wants(&[Part::L]) {
        figures.machine.look_at_neighbours().await;
        figures.lambda = lambda::measure(postgres, sink, arguments.node_sdk.as_deref()).await?;
    }
    let Testbed { program, sink, postgres } = testbed;
    postgres.stop().await?;
    if wants(&[Part::D]) {
        figures.idle = Some(idle::measure(&program, &sink, arguments.idle_window()).await?);
    }
    sink.stop().await?;
    if wants(&[Part::H]) {
        figures.handler = Some(handler::measure().await?);
    }
    figures.ratios = figures.ratios();
    figures.goals = goals::goals(&figures, &arguments.reference);
    Ok(figures)
}
