//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Break processes, Postgres and connections under load, and check sigpost's guarantees.
///
/// Needs a program `sigpost`: `cargo build --release -p sigpost`. Exits with 1 when a guarantee is violated.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Arguments {
    /// Minutes, with the drain of the last round.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) minutes: f64,
    /// Seed of the order of faults, their parameters and the load.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Faults to choose from, by name. Default: all.
    #[arg(long, value_delimiter = ',')]
    pub(crate) faults: Vec<String>,
    /// Faults in a round. After each round everything drains and is checked.
    #[arg(long, default_value_t = 17)]
    pub(crate) cycles: u32,
    /// Factor of the load; 1 is about 30 messages per second.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) load: f64,
    /// Seconds of a lease.
    #[arg(long, default_value_t = 6)]
    pub(crate) lease: u32,
    /// Seconds that a slow or busy machine may add to the bounds of responses and recoveries.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) tolerance: f64,
    /// The program that is tested. Default: `sigpost` beside this one.
    #[arg(long)]
    pub(crate) program: Option<PathBuf>,
    /// Print the result as JSON, and no table.
    #[arg(long)]
    pub(crate) json: bool,
    /// End at the first round with a violation, and keep its logs and data.
    #[arg(long)]
    pub(crate) keep: bool,
}
