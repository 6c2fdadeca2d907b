//! Command-line arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};

use crate::part::Part;
use crate::reference::Options;

const EXAMPLES: &str = "Examples:
  cargo run --release -p bench
      everything, medians of 5 runs
  cargo run --release -p bench -- --only backlog,both --runs 3
      throughput beside the reference, in about three minutes
  cargo run --release -p bench -- --only retained --retained 10000000
      a backlog beside ten million retained messages
  cargo run --release -p bench -- --only latency,hanging --json
      figures for a script

docs/src/explanation/benchmark.md describes how each part is measured and how to read the report.";

/// The window if only idle statements are measured: longer than the poll interval of 300 s.
const LONG_IDLE_SECONDS: u64 = 330;
/// The window if other parts are measured too.
const SHORT_IDLE_SECONDS: u64 = 60;

/// Measure sigpost on this machine, and compare it with limits of the machine and a reference.
///
/// Starts an embedded, durable Postgres, a destination on loopback, the reference and `sigpost serve`. Everything takes
/// about half an hour; --only measures less. Build for release, and stop other programs.
///
/// Figures of one machine change from hour to hour: compare the ratios, which are taken run by run. The benchmark fails
/// if a message is lost or delivered twice, and not if a figure misses its goal.
#[derive(Debug, Parser)]
#[command(override_usage = "bench [OPTIONS]", disable_help_subcommand = true, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Measure only these parts, separated by commas. Default: all.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) only: Vec<Part>,
    /// Runs of each throughput. The report has their median and spread.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) runs: usize,
    /// Seconds of each measurement with a time window: limits and accepts.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) seconds: u64,
    /// Seconds in which idle statements are counted. Default: 60, and 330 with --only idle, since
    /// `serve` polls each 300 s.
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) idle_seconds: Option<u64>,
    /// Messages that the database of `retained` holds.
    #[arg(long, default_value_t = 2_000_000, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) retained: u64,
    /// Messages of the backlog of `large-backlog`.
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) large_backlog: u64,
    /// Folder whose node_modules has @upstash/qstash, for `lambda`. Default: target/tmp/sdk/javascript, where
    /// the tests install it.
    #[arg(long, value_name = "DIR")]
    pub(crate) node_sdk: Option<PathBuf>,
    /// Program to measure. Default: `sigpost` in the folder of this program, which `cargo run` builds first.
    #[arg(long, value_name = "PATH")]
    pub(crate) program: Option<PathBuf>,
    /// Print all figures of all runs as JSON instead of the tables.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The child processes of the benchmark.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// The destination of the jobs.
    #[command(hide = true)]
    Sink,
    /// The reference, which rates are compared with.
    #[command(hide = true)]
    Reference(Options),
}

impl Arguments {
    /// Whether a part is measured.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Returns the window in which idle statements are counted.
    pub(crate) fn idle_window(&self) -> Duration {
        let default = if self.only == [Part::Idle] { LONG_IDLE_SECONDS } else { SHORT_IDLE_SECONDS };
        Duration::from_secs(self.idle_seconds.unwrap_or(default))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, ValueEnum};

    use super::*;

    #[test]
    fn command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn parts_have_the_names_of_the_documentation() {
        let documentation = include_str!("../../../docs/src/explanation/benchmark.md");
        for part in Part::value_variants() {
            let name = part.to_possible_value().expect("no part is hidden");
            assert!(documentation.contains(&format!("| `{}` |", name.get_name())), "{part:?}");
        }
    }
}
