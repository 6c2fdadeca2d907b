//! The table of backlogs.

use crate::arguments::Arguments;
use crate::load::job;
use crate::part::Part;
use crate::progress::grouped;
use crate::sink::Destination;
use crate::sink::process::SinkProcess;

/// Attempts in flight to the slow destination; the default of `MAX_IN_FLIGHT`.
const IN_FLIGHT: &str = "1024";
/// Maximum deliveries per second at 50 ms each.
const SLOW_RATE: f64 = 1_024.0 / 0.05;

/// A backlog, and how it differs from the plain one.
pub(super) struct Kind {
    pub(super) part: Part,
    /// Of its row.
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) messages: u64,
    pub(super) body_bytes: usize,
    /// Of each publish.
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) destination: Destination,
    /// Delivered messages that the database holds before.
    pub(super) retained: Option<u64>,
    pub(super) compared: Compared,
}

/// The figure that a rate is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Compared {
    /// The backlog of the reference.
    Reference,
    /// The plain backlog of the same run.
    Plain,
    /// A name and deliveries per second.
    Rate(&'static str, f64),
    Nothing,
}

impl Kind {
    /// All backlogs, in the order in which they are measured.
    pub(super) fn all(arguments: &Arguments) -> Vec<Self> {
        let (retained, large) = (arguments.retained, arguments.large_backlog);
        let kind = |part, name, title: &str| Self { compared: Compared::Plain, ..Self::plain(part, name, title) };
        vec![
            Self::plain(Part::Backlog, "backlog", &format!("backlog of {} messages", grouped(super::MESSAGES as f64))),
            Self {
                retained: Some(retained),
                ..kind(
                    Part::Retained,
                    "retained",
                    &format!("backlog beside {} retained messages", grouped(retained as f64)),
                )
            },
            Self {
                headers: &[("upstash-flow-control-key", "bench"), ("upstash-flow-control-value", "parallelism=100")],
                ..kind(Part::Key, "key", "backlog with a flow-control key, parallelism 100")
            },
            Self { destination: Destination::Http1, ..kind(Part::Tls, "tls-http1", "backlog over TLS, HTTP/1.1") },
            Self { destination: Destination::Http2, ..kind(Part::Tls, "tls-http2", "backlog over TLS, HTTP/2") },
            Self {
                messages: 2_000,
                // A new queue has parallelism 1.
                headers: &[("upstash-queue-name", "bench")],
                compared: Compared::Nothing,
                ..kind(Part::Queue, "queue", "queue with parallelism 1")
            },
            Self {
                messages: 60_000,
                destination: Destination::Slow,
                compared: Compared::Rate("1,024/50 ms", SLOW_RATE),
                ..kind(Part::Slow, "slow", "destination with 50 ms, 1,024 in flight")
            },
            Self {
                messages: 10_000,
                body_bytes: 10_000,
                compared: Compared::Nothing,
                ..kind(Part::Bodies, "bodies-10kb", "backlog with bodies of 10 KB")
            },
            Self {
                messages: 2_000,
                body_bytes: 100_000,
                compared: Compared::Nothing,
                ..kind(Part::Bodies, "bodies-100kb", "backlog with bodies of 100 KB")
            },
            Self {
                messages: large,
                ..kind(Part::LargeBacklog, "large-backlog", &format!("backlog of {} messages", grouped(large as f64)))
            },
        ]
    }

    fn plain(part: Part, name: &'static str, title: &str) -> Self {
        Self {
            part,
            name,
            title: title.to_owned(),
            messages: super::MESSAGES,
            body_bytes: job::BYTES,
            headers: &[],
            destination: Destination::Plain,
            retained: None,
            compared: Compared::Reference,
        }
    }

    /// Returns environment variables for `serve` in addition to its defaults.
    pub(super) fn variables<'a>(&self, sink: &'a SinkProcess) -> Vec<(&'static str, &'a str)> {
        match self.destination {
            Destination::Http1 | Destination::Http2 => vec![("SSL_CERT_FILE", sink.authority_file())],
            Destination::Slow => vec![("MAX_IN_FLIGHT", IN_FLIGHT)],
            Destination::Plain | Destination::Hanging => Vec::new(),
        }
    }
}
