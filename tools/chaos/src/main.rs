//! `chaos`: faults under load. Three processes of `sigpost serve`, each with a TCP proxy of its own before one Postgres, and a
//! destination that records every request. Faults follow one another; then everything is healed and drained, and
//! what the database, the destination and the publishers saw is compared with what sigpost guarantees.
//!
//! - [`campaign`]: rounds until the time is over; [`round`]: load, faults, drain, check.
//! - [`deployment`], [`process`], [`postgres`], [`proxy`], [`space`]: what runs, and how it is broken.
//! - [`faults`]: the table of faults.
//! - [`load`], [`sink`], [`probe`], [`journal`]: the traffic, and what is recorded of it.
//! - [`history`], [`invariants`]: what happened in a round, and what must hold.
//! - [`report`]: the table at the end.

mod arguments;
mod campaign;
mod deployment;
mod faults;
mod history;
mod invariants;
mod journal;
mod load;
mod postgres;
mod probe;
mod process;
mod proxy;
mod report;
mod round;
mod sink;
mod space;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

fn main() -> Result<ExitCode> {
    let arguments = arguments::Arguments::parse();
    tokio::runtime::Runtime::new()?.block_on(campaign::run(arguments))
}
