//! History of a round: rows of the database, requests at the sink, responses to publishers, faults.
//!
//! Times are seconds since 1970. Postgres and all processes have the clock of one machine.

pub(crate) mod read;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The input of the invariants.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// `LEASE_SECONDS` of the processes.
    pub(crate) lease: f64,
    /// Seconds to add to time bounds on a slow machine.
    pub(crate) tolerance: f64,
    /// By ID as in the API.
    pub(crate) messages: BTreeMap<String, Message>,
    /// IDs of messages, one per dead letter.
    pub(crate) dead_letters: Vec<String>,
    pub(crate) schedules: Vec<Schedule>,
    /// Rows that must not exist after a drain, by name.
    pub(crate) leftovers: Vec<(&'static str, i64)>,
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) publishes: Vec<Publish>,
    pub(crate) probes: Vec<Probe>,
    pub(crate) disruptions: Vec<Disruption>,
    pub(crate) memory: Vec<Memory>,
}

/// A row of `messages` with its events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// The kind of load that published it: the first part of its URL's path.
    pub(crate) kind: String,
    pub(crate) url: String,
    pub(crate) wanted: Wanted,
    pub(crate) state: String,
    pub(crate) deliveries: i32,
    pub(crate) retried: i32,
    pub(crate) retries: i32,
    pub(crate) created: f64,
    pub(crate) finished: Option<f64>,
    /// Its queue, then its keys, as in `gates`.
    pub(crate) limits: Vec<String>,
    pub(crate) callback_of: Option<String>,
    pub(crate) schedule: Option<String>,
    pub(crate) has_callback: bool,
    pub(crate) has_failure_callback: bool,
    pub(crate) events: Vec<Event>,
}

/// Expected final state, by the responses of the sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    #[default]
    Delivered,
    Failed,
    /// Any final state, because the message may be cancelled.
    Any,
}

/// A row of `events`.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: f64,
    pub(crate) state: String,
    /// The recorded status of the response.
    pub(crate) status: Option<i32>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    pub(crate) id: String,
    pub(crate) catch_up: String,
    /// Seconds between firings.
    pub(crate) period: i64,
    pub(crate) created: f64,
    pub(crate) last_firing: Option<f64>,
    pub(crate) error: Option<String>,
    /// Time of each firing and its message.
    pub(crate) firings: Vec<(f64, String)>,
}

/// A request at the sink.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrival {
    pub(crate) message: String,
    /// `Upstash-Retried`.
    pub(crate) retried: i32,
    /// The process that sent it, if the operating system provides it.
    pub(crate) process: Option<usize>,
    pub(crate) is_signed: bool,
    pub(crate) began: f64,
    pub(crate) ended: Option<f64>,
    /// `None` if the sink sent no complete response.
    pub(crate) status: Option<u16>,
    /// Contents of a callback.
    pub(crate) report: Option<Report>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) source: String,
    pub(crate) retried: i32,
    pub(crate) status: i32,
    pub(crate) has_dead_letter: bool,
}

/// A request to the API that publishes or cancels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Publish {
    pub(crate) kind: &'static str,
    /// Number within its kind.
    pub(crate) number: u64,
    pub(crate) process: usize,
    pub(crate) began: f64,
    pub(crate) ended: f64,
    /// `None` without a response.
    pub(crate) status: Option<u16>,
    pub(crate) has_retry_after: bool,
    /// IDs in the response to a publish, or the IDs that a cancellation cancelled.
    pub(crate) messages: Vec<String>,
    pub(crate) is_cancellation: bool,
}

/// A request to `/readyz`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probe {
    pub(crate) process: usize,
    pub(crate) began: f64,
    pub(crate) ended: f64,
    pub(crate) status: Option<u16>,
}

/// Effect of a fault on a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Killed. `until` is its restart.
    Killed,
    /// Graceful shutdown. `until` is its restart.
    ShutDown,
    /// Stopped with SIGSTOP.
    Stopped,
    /// Without a writable database.
    #[default]
    Detached,
    /// Without a database because Postgres crashed, which can lose asynchronous commits.
    DatabaseCrashed,
    /// Some statements fail or wait.
    Impaired,
}

/// Duration of a fault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disruption {
    pub(crate) fault: &'static str,
    /// `None` for all.
    pub(crate) process: Option<usize>,
    pub(crate) effect: Effect,
    pub(crate) from: f64,
    pub(crate) until: f64,
}

/// Resident memory of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) process: usize,
    pub(crate) at: f64,
    pub(crate) bytes: u64,
}

impl Message {
    /// Counts the events with this state.
    pub(crate) fn count(&self, state: &str) -> usize {
        self.events.iter().filter(|event| event.state == state).count()
    }

    /// Returns the time of the first start, by the clock of the database.
    pub(crate) fn first_start(&self) -> Option<f64> {
        self.events.iter().find(|event| event.state == "ACTIVE").map(|event| event.at)
    }

    pub(crate) fn queue(&self) -> Option<&str> {
        self.limits.first().and_then(|limit| limit.strip_prefix("queue:"))
    }

    pub(crate) fn is_finished(&self) -> bool {
        ["delivered", "failed", "cancelled"].contains(&self.state.as_str())
    }
}

impl Disruption {
    pub(crate) fn concerns(&self, process: Option<usize>) -> bool {
        self.process.is_none() || process.is_none() || self.process == process
    }
}

impl Effect {
    /// Whether the process has no writable database.
    pub(crate) fn is_detached(self) -> bool {
        matches!(self, Self::Detached | Self::DatabaseCrashed)
    }
}

impl History {
    /// Formats all records, one per line.
    pub(crate) fn lines(&self) -> String {
        let disruptions = self.disruptions.iter().map(|one| format!("{one:?}\n"));
        let messages = self.messages.iter().map(|(id, one)| format!("{id} {one:?}\n"));
        let schedules = self.schedules.iter().map(|one| format!("{one:?}\n"));
        let arrivals = self.arrivals.iter().map(|one| format!("{one:?}\n"));
        let publishes = self.publishes.iter().map(|one| format!("{one:?}\n"));
        let probes = self.probes.iter().map(|one| format!("{one:?}\n"));
        disruptions.chain(messages).chain(schedules).chain(arrivals).chain(publishes).chain(probes).collect()
    }

    /// Returns the seconds from the end of a disruption until the process is ready, if it becomes ready.
    pub(crate) fn recovery(&self, disruption: &Disruption, process: usize) -> Option<f64> {
        let ready = self.probes.iter().filter(|probe| probe.process == process && probe.status == Some(200));
        ready
            .filter(|probe| probe.began >= disruption.until)
            .map(|probe| probe.ended - disruption.until)
            .reduce(f64::min)
    }
}

pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
