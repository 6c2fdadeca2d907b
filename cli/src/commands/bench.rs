//! `sigpost bench`: how fast is it here, and how near to what this machine allows?
//!
//! # Layout
//!
//! - `limits.rs` (with `insert_limits.rs`, `claim_limit.rs`) measures the machine; `accepts.rs`,
//!   `backlog.rs`, `both.rs`, `queue.rs`, `latency.rs` and `idle.rs` measure `sigpost serve`: (a) to
//!   (d) and (g) of `docs/benchmark.md`. `usage.rs` adds (e) and (f).
//! - `handler.rs` measures what a run costs the handler: (h).
//! - `lambda.rs` measures the functions as Lambda runs them: (l).
//! - `load.rs`, `closed_loop.rs`, `connection.rs`, `job.rs`, `own_thread.rs` make the load.
//! - `sink.rs` and `tally.rs` are the destination; `sink_process.rs`, `serve_process.rs` and
//!   `postgres.rs` are what is started; `audit.rs` compares counts with the database.
//! - `process.rs` and `neighbours.rs` ask the system, `statements.rs` asks Postgres.
//! - `figures.rs`, `goals.rs`, `series.rs`, `machine.rs` and `report.rs` say what came of it.

mod accepts;
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
mod neighbours;
mod own_thread;
mod part;
mod postgres;
mod proc_files;
mod process;
mod progress;
mod ps;
mod queue;
mod report;
mod series;
mod serve_log;
mod serve_process;
pub(crate) mod sink;
mod sink_process;
mod statements;
mod tally;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use sigpost_runtime::serve;

use self::accepts::Accepts;
use self::figures::Figures;
use self::goals::Reference;
use self::machine::Machine;
use self::part::Part;
use self::postgres::Postgres;
use self::sink_process::SinkProcess;
use crate::output;

/// How long to count when nothing but (d) is asked for: longer than the poll interval of 300 s.
const LONG_IDLE_SECONDS: u64 = 330;
/// How long to count beside everything else.
const SHORT_IDLE_SECONDS: u64 = 60;

/// Measure sigpost on this machine, beside what the machine itself allows.
///
/// Starts an embedded, durable Postgres, a destination on loopback and `sigpost serve`, and takes
/// about five minutes. Figures of one machine change from hour to hour: compare the ratios. Keep the
/// machine quiet meanwhile, and use a release build.
#[derive(Debug, Args)]
#[command(after_help = "Example: cargo run --release -p sigpost -- bench --only b --runs 5
docs/benchmark.md says what each figure is, and how to compare with another program.")]
pub(crate) struct Bench {
    /// Measure only these: a accepts, b deliveries, c latency, d idle statements, e memory, f CPU
    /// time, g a queue with parallelism 1, h the wrapper around a handler, l the functions as Lambda runs them. (e and f are read while
    /// b is measured.)
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<Part>,
    /// How often throughput is measured; the median counts.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    runs: usize,
    /// How long each throughput is measured, in seconds.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    seconds: u64,
    /// How long idle statements are counted, in seconds (default 60, and 330 with --only d: a poll
    /// happens each 300 s).
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    idle_seconds: Option<u64>,
    /// A folder with node_modules in which @upstash/qstash is installed, for l (default: the one that
    /// the tests install under target/tmp).
    #[arg(long, value_name = "DIR")]
    node_sdk: Option<PathBuf>,
    #[command(flatten)]
    reference: Reference,
    /// Print all figures as JSON.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(crate) async fn run(self) -> Result<()> {
        let figures = tokio::select! {
            figures = Box::pin(self.measure()) => figures?,
            // What was started ends with the value that started it.
            () = serve::terminated() => bail!("interrupted; everything that was started is stopped"),
        };
        output::print(self.json, &figures, || report::text(&figures))
    }

    async fn measure(&self) -> Result<Figures> {
        let wants = |parts: &[Part]| self.only.is_empty() || self.only.iter().any(|part| parts.contains(part));
        let (accepts, deliveries) = (wants(&[Part::A]), wants(&[Part::B, Part::E, Part::F]));

        // In this order, so that on an error the database is the last to go.
        let postgres = Postgres::start(&[]).await?;
        let sink = SinkProcess::start().await?;
        let queue = wants(&[Part::G]);
        let runs = if accepts || deliveries || queue { self.runs } else { 0 };
        let mut figures = Figures { machine: Machine::look(&postgres).await?, runs, ..Figures::default() };
        if accepts {
            figures.accepts = Accepts::all();
        }
        let window = Duration::from_secs(self.seconds);
        for run in 1..=runs {
            eprintln!("run {run} of {runs}");
            figures.machine.look_at_neighbours().await;
            figures.limits.get_or_insert_default().measure(&postgres, &sink, window).await?;
            if accepts {
                accepts::measure(&mut figures.accepts, &postgres, &sink, window).await?;
            }
            if deliveries {
                figures.backlog.get_or_insert_default().measure(&postgres, &sink).await?;
                figures.both.get_or_insert_default().measure(&postgres, &sink).await?;
            }
            if queue {
                figures.queue.get_or_insert_default().measure(&postgres, &sink).await?;
            }
        }
        if wants(&[Part::C]) {
            figures.machine.look_at_neighbours().await;
            figures.latency = Some(latency::measure(&postgres, &sink).await?);
        }
        if wants(&[Part::L]) {
            figures.machine.look_at_neighbours().await;
            figures.lambda = lambda::measure(&postgres, &sink, self.node_sdk.as_deref()).await?;
        }
        postgres.stop().await?;
        if wants(&[Part::D]) {
            figures.idle = Some(idle::measure(&sink, self.idle_window()).await?);
        }
        sink.stop().await?;
        if wants(&[Part::H]) {
            figures.handler = Some(handler::measure().await?);
        }
        figures.ratios = figures.ratios();
        figures.goals = goals::goals(&figures, &self.reference);
        Ok(figures)
    }

    fn idle_window(&self) -> Duration {
        let default = if self.only == [Part::D] { LONG_IDLE_SECONDS } else { SHORT_IDLE_SECONDS };
        Duration::from_secs(self.idle_seconds.unwrap_or(default))
    }
}
