//! `bench`: measures `sigpost serve` on this machine, beside the limits of the machine.
//!
//! # Layout
//!
//! - `arguments.rs` is the command line, `measure.rs` the order of the measurements, `testbed.rs` what they share.
//! - `limits.rs` (with `insert_limits.rs`, `claim_limit.rs`) measures the machine; `accepts.rs`,
//!   `backlog.rs`, `both.rs`, `queue.rs`, `latency.rs` and `idle.rs` measure `sigpost serve`: (a) to
//!   (d) and (g) of `docs/benchmark.md`. `usage.rs` adds (e) and (f).
//! - `handler.rs` measures what a run costs the handler: (h).
//! - `lambda.rs` measures the functions as Lambda runs them: (l).
//! - `load.rs`, `closed_loop.rs`, `connection.rs`, `job.rs`, `own_thread.rs` make the load.
//! - `sink.rs` and `tally.rs` are the destination; `sink_process.rs`, `program.rs`, `serve_process.rs`
//!   and `postgres.rs` are what is started; `audit.rs` compares counts with the database.
//! - `process.rs` and `neighbours.rs` ask the system, `statements.rs` asks Postgres.
//! - `figures.rs`, `goals.rs`, `series.rs`, `machine.rs` and `report.rs` say what came of it.

mod accepts;
mod arguments;
mod audit;
mod backlog;
mod both;
mod claim_limit;
mod closed_loop;
mod connection;
mod figures;
mod goals;
mod handler;
mod idle;
mod insert_limits;
mod job;
mod lambda;
mod latency;
mod limits;
mod load;
mod machine;
mod measure;
mod neighbours;
mod own_thread;
mod part;
mod postgres;
mod proc_files;
mod process;
mod program;
mod progress;
mod ps;
mod queue;
mod report;
mod series;
mod serve_log;
mod serve_process;
mod sink;
mod sink_process;
mod statements;
mod tally;
mod testbed;
mod usage;

use std::io::{self, ErrorKind, Write};

use anyhow::{Result, bail};
use clap::Parser;
use sigpost_runtime::serve;

use self::arguments::{Arguments, Command};

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tokio::runtime::Runtime::new()?.block_on(async {
        match arguments.command {
            Some(Command::Sink) => sink::run().await,
            None => run(&arguments).await,
        }
    })
}

async fn run(arguments: &Arguments) -> Result<()> {
    let figures = tokio::select! {
        figures = Box::pin(measure::all(arguments)) => figures?,
        // Child processes end with the values that started them.
        () = serve::terminated() => bail!("interrupted; all child processes are stopped"),
    };
    let text = if arguments.json { serde_json::to_string_pretty(&figures)? } else { report::text(&figures) };
    match writeln!(io::stdout(), "{text}") {
        // The reader closed the pipe, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
