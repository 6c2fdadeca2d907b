//! The functions as Lambda runs them: the deployed programs, under an emulator of its APIs, on this machine.
//!
//! - `programs.rs`, `deployment.rs` and `outside.rs` start the functions and the servers that they call.
//! - `starts.rs` (with `node.rs` for comparison), `accepts.rs`, `in_flight.rs`, `tick.rs` and `billed.rs`
//!   measure; `cost.rs` has AWS's prices.
//! - `goals.rs` and `table.rs` report.

mod accepts;
mod billed;
mod cost;
mod deployment;
mod goals;
mod in_flight;
mod node;
mod outside;
mod programs;
mod starts;
mod table;
mod tick;

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use self::accepts::Accepts;
use self::billed::Billed;
use self::in_flight::Held;
use self::programs::Programs;
use self::starts::Start;
use crate::goals::Goal;
use crate::postgres::Postgres;
use crate::report::Table;
use crate::sink::process::SinkProcess;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Lambda {
    /// Each function.
    pub(crate) starts: Vec<Start>,
    /// Node with the official receiver, where it is installed.
    pub(crate) node: Option<Start>,
    pub(crate) accepts: Accepts,
    pub(crate) in_flight: Held,
    /// Where this Postgres can count statements.
    pub(crate) statements_per_idle_tick: Option<f64>,
    /// At different numbers of jobs per second.
    pub(crate) billed: Vec<Billed>,
    /// How the cost follows from that.
    pub(crate) cost_formula: &'static str,
}

/// Measures it; `None` when the functions have not been built.
pub(crate) async fn measure(
    postgres: &Postgres,
    sink: &SinkProcess,
    node_sdk: Option<&Path>,
) -> Result<Option<Lambda>> {
    let Some(programs) = Programs::find()? else { return Ok(None) };
    let (starts, node) = starts::measure(&programs, postgres, sink, node_sdk).await.context("starting environments")?;
    Ok(Some(Lambda {
        starts,
        node,
        accepts: accepts::measure(&programs, postgres, sink).await.context("publishing to an environment")?,
        in_flight: in_flight::measure(&programs, postgres).await.context("many attempts in one environment")?,
        statements_per_idle_tick: tick::measure(&programs).await.context("the statements of an idle tick")?,
        billed: billed::measure(&programs, postgres).await.context("the time that is billed")?,
        cost_formula: cost::FORMULA,
    }))
}

impl Lambda {
    /// The goals that there are figures for.
    pub(crate) fn goals(&self) -> Vec<(&str, Goal)> {
        goals::goals(self)
    }

    /// Adds its lines to the table.
    pub(crate) fn show(&self, table: &mut Table) {
        table::show(self, table);
    }

    fn dispatch(&self) -> Option<&Start> {
        self.starts.iter().find(|start| start.function == deployment::DISPATCH)
    }
}
