//! `model-tester`: random operations on queues and flow-control keys, with real dispatcher processes, Postgres and HTTP,
//! compared with a model of the limits.
//!
//! A scenario publishes, pauses, pins, cancels, redrives, stops and kills for a few seconds and then lets everything
//! drain. From the database's log the model derives when each message could have started. A message that could have
//! started for longer than half a second, and did not, is a finding; so is a limit that was exceeded, a message that
//! started before its time, and a queue that delivered out of order.

mod audit;
mod canary;
mod check;
mod deployment;
mod history;
mod model;
mod run;
mod scenario;
mod sink;

use anyhow::Result;
use clap::Parser;

fn main() -> Result<()> {
    let arguments = run::Arguments::parse();
    tokio::runtime::Runtime::new()?.block_on(run::run(arguments))
}
