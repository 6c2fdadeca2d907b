//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};

use crate::part::Part;
use crate::reference::Options;

/// The window if only idle statements are measured: longer than the poll interval of 300 s.
const LONG_IDLE_SECONDS: u64 = 330;
/// The window beside other parts.
const SHORT_IDLE_SECONDS: u64 = 60;

/// Measure sigpost on this machine, beside what the machine itself allows.
///
/// Starts an embedded, durable Postgres, a destination on loopback and `sigpost serve`, and takes
/// about five minutes. Figures of one machine change from hour to hour: compare the ratios. Keep the
/// machine quiet meanwhile, and use a release build.
#[derive(Debug, Parser)]
#[command(override_usage = "bench [OPTIONS]", disable_help_subcommand = true)]
#[command(after_help = "Example: cargo run --release -p bench -- --only backlog,both --runs 5
docs/benchmark.md says what each figure is, and how to compare with another program.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Measure only these parts, separated by commas. Default: all.
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    pub(crate) only: Vec<Part>,
    /// How often throughput is measured; the median counts.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) runs: usize,
    /// How long each throughput is measured, in seconds.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) seconds: u64,
    /// How long idle statements are counted, in seconds (default 60, and 330 with --only idle: one
    /// poll happens per 300 s).
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) idle_seconds: Option<u64>,
    /// Messages that the database of `retained` holds.
    #[arg(long, default_value_t = 2_000_000, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) retained: u64,
    /// Messages of the backlog of `large-backlog`.
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) large_backlog: u64,
    /// A folder with node_modules in which @upstash/qstash is installed, for lambda (default: the one that
    /// the tests install under target/tmp).
    #[arg(long, value_name = "DIR")]
    pub(crate) node_sdk: Option<PathBuf>,
    /// The program that is measured. Default: `sigpost` beside this one, which `cargo run` builds first.
    #[arg(long, value_name = "PATH")]
    pub(crate) program: Option<PathBuf>,
    /// Print all figures as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the benchmark starts as a child process.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// The destination of the jobs.
    #[command(hide = true)]
    Sink,
    /// The program that rates are compared with.
    #[command(hide = true)]
    Reference(Options),
}

impl Arguments {
    /// Whether a part is measured.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// How long idle statements are counted.
    pub(crate) fn idle_window(&self) -> Duration {
        let default = if self.only == [Part::Idle] { LONG_IDLE_SECONDS } else { SHORT_IDLE_SECONDS };
        Duration::from_secs(self.idle_seconds.unwrap_or(default))
    }
}
