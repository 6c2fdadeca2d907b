//! The parts of the benchmark, by the letters that its documentation gives them.

use clap::ValueEnum;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Durable accepts per second.
    A,
    /// Deliveries per second: of a backlog, and while accepting.
    B,
    /// From publish to the handler.
    C,
    /// Statements of an idle process.
    D,
    /// Memory.
    E,
    /// CPU time.
    F,
    /// A queue, one job at a time.
    G,
    /// The wrapper around a handler.
    H,
    /// The functions as Lambda runs them.
    L,
}
