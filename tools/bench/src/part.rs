//! The parts of the benchmark, by the names that `--only` takes.

use clap::ValueEnum;
use serde::Serialize;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// Durable accepts per second over 1, 32 and 128 connections.
    Accepts,
    /// Deliveries per second from a backlog of 20,000 messages.
    Backlog,
    /// Messages per second that are accepted and delivered at once; bytes stored and WAL per message.
    Both,
    /// Deliveries per second from a queue with parallelism 1.
    Queue,
    /// Publish to handler at 20 messages per second.
    Latency,
    /// Statements of an idle process per hour.
    Idle,
    /// The wrapper around a handler.
    Handler,
    /// The functions as Lambda runs them.
    Lambda,
}
