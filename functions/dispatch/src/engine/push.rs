//! Push: a lease goes out, and what came of it goes to the recorder.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use sigpost_qstash::Headers;
use sigpost_runtime::outgoing;
use sigpost_store::WakeUps;
use sigpost_store::claim::Lease;
use sigpost_store::record::{Next, Outcome, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::decide::{Attempt, decide, error_text};
use super::in_flight::Holding;
use super::large_bodies::Portion;
use super::recorder::Ended;
use super::send::SendError;
use super::{Engine, Room, StepKind, callbacks, log, trace};

/// What is kept of the headers of a success, in bytes of names and values.
const KEPT_HEADER_BYTES: usize = 8 * 1024;
/// The same for a failure and for what a callback reports.
const KEPT_HEADER_BYTES_IN_FULL: usize = 64 * 1024;

/// Leases that may be lost before a message is given up: it takes its dispatchers down with it, or
/// the lease is too short for them.
const LOST_LEASES: u32 = 10;

impl Engine {
    /// Starts the delivery of leases that were asked for then, each with its share of the room.
    pub(super) fn push_all(
        &self,
        leases: Vec<Lease>,
        asked: Instant,
        mut room: OwnedSemaphorePermit,
        mut bodies: Portion,
    ) {
        for lease in leases {
            let Some(permit) = room.split(1) else { break };
            let body = bodies.split(lease.message.body.len());
            self.push(lease, asked, Room { _body: body, _permit: permit });
        }
    }

    /// Starts the delivery of a lease that was asked for then. Its room is taken until its end is recorded.
    pub(crate) fn push(&self, lease: Lease, asked: Instant, room: Room) {
        let (id, token) = (lease.message.id, lease.token);
        if asked.elapsed() >= self.0.settings.lease {
            // The process was stopped, or the response took that long: another dispatcher may have delivered it.
            tracing::info!(message.id = %id, "the lease expired before the delivery began");
            self.0.counts.lease_lost();
            self.step(id, StepKind::LeaseLost);
            self.wake(WakeUps::due_now());
            return;
        }
        // It goes from hand to hand until it is recorded; in a box it is not copied each time.
        let lease = Box::new(lease);
        self.0.in_flight.hold(id, token, |holding| {
            let delivery = deliver(self.clone(), lease, room, holding);
            tokio::spawn(delivery).abort_handle()
        });
    }
}

async fn deliver(engine: Engine, lease: Box<Lease>, room: Room, holding: Holding) {
    let inner = &engine.0;
    let outcome = if lease.deliveries > lease.retried + 1 + LOST_LEASES {
        given_up(&lease)
    } else {
        engine.step(lease.message.id, StepKind::Pushed);
        let started = Instant::now();
        let span = trace::attempt(&lease);
        let result = inner.sender.send(&lease, &inner.keys.keys(), span.as_ref()).await;
        let took = started.elapsed();
        trace::ended(span, &result);
        inner.counts.pushed(took);
        let outcome = outcome(&lease, result, Timestamp::now());
        log::attempt(&lease, &outcome, took);
        outcome
    };
    inner.recorder.record(Ended { lease, outcome, _room: room, holding });
}

/// Decides, and keeps of the response what is recorded: its status and the beginning of its headers, and the body of a
/// failure and of what a callback will tell.
fn outcome(lease: &Lease, result: Result<outgoing::Response, SendError>, now: Timestamp) -> Outcome {
    let attempt = Attempt {
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

/// Headers in the order of their names, as many as fit into so many bytes.
fn beginning_of(headers: HeaderMap, bytes: usize) -> Headers {
    let mut kept = Headers::from_http(headers);
    let mut size = kept.size_bytes();
    while size > bytes {
        let Some((name, values)) = kept.map_mut().pop_last() else { break };
        size -= values.iter().map(|value| name.len() + value.len()).sum::<usize>();
    }
    kept
}

fn given_up(lease: &Lease) -> Outcome {
    Outcome {
        id: lease.message.id,
        token: lease.token,
        next: Next::Failed,
        response: None,
        has_slots: lease.message.has_slots(),
        error: Some(format!("given up: {LOST_LEASES} leases of it were lost without a recorded end")),
    }
}
