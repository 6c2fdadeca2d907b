//! `bench`: measures `sigpost serve` on this machine, and compares it with limits of the machine and a reference.
//!
//! # Layout
//!
//! - [`arguments`] is the command line, [`part`] the names of the parts, [`mod@measure`] their order, [`testbed`] what
//!   they share.
//! - [`accepts`], [`backlogs`], [`both`], [`latency`], [`schedules`], [`idle`], [`handler`] and [`lambda`] are the
//!   parts, [`limits`] the machine's own limits.
//! - [`mod@reference`] is the program that rates are compared with.
//! - [`load`] makes the load, [`sink`] is the destination, [`serve`] and [`postgres`] run what is measured.
//! - [`audit`] compares counts with the database, [`retained`] fills one.
//! - [`process`], [`neighbours`], [`statements`] and [`usage`] read counters of the system and of Postgres.
//! - [`row`], [`series`], [`goals`] and [`report`] make the tables.

mod accepts;
mod arguments;
mod audit;
mod backlogs;
mod both;
mod child;
mod goals;
mod handler;
mod idle;
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
mod process;
mod program;
mod progress;
mod reference;
mod report;
mod retained;
mod row;
mod schedules;
mod series;
mod serve;
mod sink;
mod statements;
mod table;
mod testbed;
mod usage;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use sigpost_runtime::serve::terminated;

use self::arguments::{Arguments, Command};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    tokio::runtime::Runtime::new().context("the runtime cannot start")?.block_on(async {
        match &arguments.command {
            Some(Command::Sink) => sink::server::run().await,
            Some(Command::Reference(options)) => reference::run(options.clone()).await,
            None => measure(arguments).await,
        }
    })
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let figures = tokio::select! {
        figures = Box::pin(measure::all(arguments)) => figures?,
        // Child processes are killed when their handles are dropped.
        () = terminated() => bail!("interrupted; all child processes are stopped"),
    };
    let text = if arguments.json { serde_json::to_string_pretty(&figures)? } else { report::text(&figures) };
    match writeln!(io::stdout(), "{text}") {
        // The reader closed the pipe, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
