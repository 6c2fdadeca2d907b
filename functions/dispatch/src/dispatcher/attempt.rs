//! Attempts: one delivery of a message, from its lease to its recorded outcome.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use sigpost_qstash::Headers;
use sigpost_runtime::outgoing::{self, Failure};
use sigpost_runtime::traces::Span;
use sigpost_store::claim::Lease;
use sigpost_store::destination::Destination;
use sigpost_store::record::{Next, Outcome, Response};
use tokio::time::Instant;

use super::decide::{self, decide, error_text};
use super::in_flight::Holding;
use super::recorder::Ended;
use super::send::SendError;
use super::{Dispatcher, Room, StepKind, callbacks, log, trace};

/// Maximum size of the stored response headers of a success, in bytes of names and values.
const KEPT_HEADER_BYTES: usize = 8 * 1024;
/// The same for failures and for responses that a callback reports.
const KEPT_HEADER_BYTES_IN_FULL: usize = 64 * 1024;

/// Maximum number of expired leases of a message, which may crash its dispatchers or need a longer lease. Then it fails.
const EXPIRED_LEASES: u32 = 10;

/// A leased message, before its attempt.
pub(super) struct Delivery {
    pub(super) lease: Arc<Lease>,
    pub(super) room: Room,
    pub(super) holding: Holding,
}

impl Delivery {
    pub(super) fn destination(&self) -> Destination {
        self.room.destination()
    }
}

/// The request and its response. Boxed, because it is large and moves to another task if it takes long.
pub(super) type Exchange = Pin<Box<dyn Future<Output = Result<outgoing::Response, Failure>> + Send>>;

/// An attempt whose request is being sent.
pub(super) struct Attempt {
    dispatcher: Dispatcher,
    pub(super) lease: Arc<Lease>,
    room: Room,
    holding: Holding,
    span: Option<Span>,
    started: Instant,
    /// The timeout.
    pub(super) bound: Duration,
}

impl Attempt {
    /// Starts an attempt. `None` if the lease is lost, or if too many leases have expired, which is recorded.
    pub(super) fn begin(dispatcher: &Dispatcher, delivery: Delivery) -> Option<(Self, Exchange)> {
        let Delivery { lease, room, holding } = delivery;
        if holding.is_lost() {
            return None;
        }
        if lease.deliveries > lease.retried + 1 + EXPIRED_LEASES {
            let outcome = too_many_leases(&lease);
            dispatcher.0.recorder.record(Ended { lease, outcome, _room: room, holding });
            return None;
        }
        dispatcher.step(lease.message.id, StepKind::Pushed);
        let span = trace::attempt(&lease);
        let exchange = {
            let (dispatcher, lease) = (dispatcher.clone(), Arc::clone(&lease));
            let place = span.as_ref().map(|span| span.place().clone());
            Box::pin(
                async move { dispatcher.0.sender.exchange(&lease, &dispatcher.0.keys.keys(), place.as_ref()).await },
            )
        };
        let bound = dispatcher.0.sender.bound(&lease.message);
        let started = Instant::now();
        Some((Self { dispatcher: dispatcher.clone(), lease, room, holding, span, started, bound }, exchange))
    }

    /// Ends the attempt with the result of its exchange.
    pub(super) fn end(self, result: Result<outgoing::Response, Failure>) {
        self.record(result.map_err(SendError::from));
    }

    /// Ends the attempt after its timeout.
    pub(super) fn time_out(mut self) {
        self.room.share.timed_out();
        let bound = self.bound;
        self.record(Err(SendError::TimedOut(bound)));
    }

    fn record(self, result: Result<outgoing::Response, SendError>) {
        let Self { dispatcher, lease, room, holding, span, started, .. } = self;
        let took = started.elapsed();
        trace::ended(span, &result);
        dispatcher.0.counts.pushed(took);
        let outcome = outcome(&lease, result, Timestamp::now());
        log::attempt(&lease, &outcome, took);
        dispatcher.0.recorder.record(Ended { lease, outcome, _room: room, holding });
    }
}

/// Decides the outcome, and truncates the response to the recorded part: the status, the beginning of the headers, and
/// the body if the attempt failed or a callback reports it.
fn outcome(lease: &Lease, result: Result<outgoing::Response, SendError>, now: Timestamp) -> Outcome {
    let attempt = decide::Attempt {
        retried: lease.retried,
        retries: lease.message.retries,
        retry_delay: lease.message.retry_delay.as_ref(),
    };
    let next = decide(&attempt, &result, now);
    let in_full = next != Next::Delivered || callbacks::wants_reports(lease);
    Outcome {
        id: lease.message.id,
        token: lease.token,
        next,
        error: error_text(&result),
        has_slots: lease.message.has_slots(),
        response: result.ok().map(|response| match in_full {
            true => {
                let header = beginning_of(response.headers, KEPT_HEADER_BYTES_IN_FULL);
                Response { status: response.status, header, body: response.body }
            }
            false => {
                let header = beginning_of(response.headers, KEPT_HEADER_BYTES);
                Response { status: response.status, header, body: Bytes::new() }
            }
        }),
    }
}

/// Returns headers in the order of their names, up to this size.
fn beginning_of(headers: HeaderMap, bytes: usize) -> Headers {
    let mut kept = Headers::from_http(headers);
    let mut size = kept.size_bytes();
    while size > bytes {
        let Some((name, values)) = kept.map_mut().pop_last() else { break };
        size -= values.iter().map(|value| name.len() + value.len()).sum::<usize>();
    }
    kept
}

fn too_many_leases(lease: &Lease) -> Outcome {
    Outcome {
        id: lease.message.id,
        token: lease.token,
        next: Next::Failed,
        response: None,
        has_slots: lease.message.has_slots(),
        error: Some(format!("too many expired leases: {EXPIRED_LEASES} expired without a recorded result")),
    }
}
