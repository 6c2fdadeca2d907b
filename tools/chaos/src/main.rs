//! `chaos`: faults under load. Runs three processes of `sigpost serve`, each with its own TCP proxy to one Postgres, and a
//! destination that records every request. After a sequence of faults it drains all messages and compares the records
//! of database, destination and publishers with the guarantees of sigpost.
//!
//! - [`campaign`]: rounds until the deadline; [`round`]: load, faults, drain, check.
//! - [`deployment`], [`process`], [`postgres`], [`proxy`], [`disk`]: the components and their faults.
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
