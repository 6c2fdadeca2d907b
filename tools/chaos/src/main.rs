//! `chaos`: faults under load. Three processes of `sigpost serve`, each with a TCP proxy of its own before one Postgres, and a
//! destination that records every request. Faults follow one another; then everything is healed and drained, and
//! the records of database, destination and publishers are compared with the guarantees of sigpost.
//!
//! - [`campaign`]: rounds until the time is over; [`round`]: load, faults, drain, check.
//! - [`deployment`], [`process`], [`postgres`], [`proxy`], [`disk`]: the parts that run, and how they are broken.
//! - [`faults`]: the table of faults.
//! - [`load`], [`limits`], [`sink`], [`probe`], [`journal`]: the traffic, and the records of it.
//! - [`history`], [`invariants`]: the events of a round, and the guarantees.
//! - [`report`]: the table at the end.

mod arguments;
mod campaign;
mod deployment;
mod disk;
mod faults;
mod history;
mod invariants;
mod journal;
mod limits;
mod load;
mod postgres;
mod probe;
mod process;
mod proxy;
mod report;
mod round;
mod sink;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

fn main() -> Result<ExitCode> {
    let arguments = arguments::Arguments::parse();
    tokio::runtime::Runtime::new()?.block_on(campaign::run(arguments))
}
