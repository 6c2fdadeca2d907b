//! The functions in Lambda: the deployed programs, with an emulator of the Lambda API, on this machine.
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
use crate::postgres::Postgres;
use crate::row::Goal;
use crate::sink::process::SinkProcess;
use crate::table::Table;

/// Measurements of the functions.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Lambda {
    /// Cold starts of each function.
    pub(crate) starts: Vec<Start>,
    /// Cold starts of Node with the official receiver, if it is installed.
    pub(crate) node: Option<Start>,
    pub(crate) accepts: Accepts,
    pub(crate) in_flight: Held,
    /// `None` if this Postgres cannot count statements.
    pub(crate) statements_per_idle_tick: Option<f64>,
    /// Billed time at different rates.
    pub(crate) billed: Vec<Billed>,
    /// Formula of the cost.
    pub(crate) cost_formula: &'static str,
}

/// Measures the functions. Returns `None` if they are not built.
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
        billed: billed::measure(&programs, postgres).await.context("the billed time")?,
        cost_formula: cost::FORMULA,
    }))
}

impl Lambda {
    /// Returns the goals whose figures were measured.
    pub(crate) fn goals(&self) -> Vec<(&str, Goal)> {
        goals::goals(self)
    }

    /// Adds the rows to the table.
    pub(crate) fn show(&self, table: &mut Table) {
        table::show(self, table);
    }

    fn dispatch(&self) -> Option<&Start> {
        self.starts.iter().find(|start| start.function == programs::DISPATCH)
    }
}
