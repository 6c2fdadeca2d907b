//! `model-tester`: random operations on queues and flow-control keys, with real dispatcher processes, Postgres and HTTP,
//! compared with a model of the limits.
//!
//! A scenario publishes, pauses, pins, cancels, redrives, stops and kills for a few seconds and then waits until all
//! messages have ended. From the log in the database, the model derives when each message could have started. Findings
//! are messages that did not start within half a second, exceeded limits, messages that started too early, and queues
//! that delivered out of order.

mod audit;
mod canary;
mod check;
mod clock;
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
