//! Command-line arguments.

use std::path::PathBuf;

use clap::Parser;

/// Break processes, Postgres and connections under load, and check sigpost's guarantees.
///
/// Requires the program `sigpost`: `cargo build --release -p sigpost`. Exits with 1 if a guarantee is violated.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Arguments {
    /// Duration in minutes, including the drain of the last round.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) minutes: f64,
    /// Seed of the order of faults, their parameters and the load.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Faults to choose from, by name. Default: all.
    #[arg(long, value_delimiter = ',')]
    pub(crate) faults: Vec<String>,
    /// Faults per round. Each round ends with a drain and the checks.
    #[arg(long, default_value_t = 17)]
    pub(crate) cycles: u32,
    /// Factor of the load; 1 is about 30 messages per second.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) load: f64,
    /// Lease in seconds.
    #[arg(long, default_value_t = 6)]
    pub(crate) lease: u32,
    /// Seconds to add to the bounds of response and recovery times, for a slow or busy machine.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) tolerance: f64,
    /// Program to test. Default: `sigpost` in the folder of this program.
    #[arg(long)]
    pub(crate) program: Option<PathBuf>,
    /// Print the result as JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Stop after the first round with a violation, and keep its logs and data.
    #[arg(long)]
    pub(crate) keep: bool,
}
