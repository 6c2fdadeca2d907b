//! The parts of the benchmark, by the names that `--only` takes.

use clap::ValueEnum;
use serde::Serialize;

/// Part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// Durable accepts per second over 1, 32 and 128 connections.
    Accepts,
    /// Deliveries per second from a backlog of 20,000 messages.
    Backlog,
    /// Messages per second that are accepted and delivered concurrently; bytes stored and WAL per message.
    Both,
    /// The same backlog with 2,000,000 retained messages in the database.
    Retained,
    /// The same backlog with a flow-control key of parallelism 100.
    Key,
    /// The same backlog to an HTTPS destination, over HTTP/1.1 and HTTP/2.
    Tls,
    /// Deliveries per second from a queue with parallelism 1.
    Queue,
    /// Deliveries per second to a destination with 50 ms latency.
    Slow,
    /// Deliveries per second of messages with bodies of 10 KB and 100 KB.
    Bodies,
    /// Deliveries per second from a backlog of 1,000,000 messages.
    LargeBacklog,
    /// Publish to handler at 20 messages per second.
    Latency,
    /// The same during 1,500 messages to a hanging destination.
    Hanging,
    /// 5,000 schedules that are due in the same minute, until all are published.
    Schedules,
    /// Statements of an idle process per hour.
    Idle,
    /// The wrapper around a handler.
    Handler,
    /// The functions as Lambda runs them.
    Lambda,
}
