//! Starts deliveries of leases.

use std::sync::Arc;

use sigpost_store::WakeUps;
use sigpost_store::claim::Lease;
use sigpost_store::destination::Destination;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::attempt::Delivery;
use super::large_bodies::Portion;
use super::{Dispatcher, Room, StepKind};

impl Dispatcher {
    /// Starts the deliveries of leases that were requested at this time, each with its part of the room.
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
            let share = self.0.shares.take(Destination::of(&lease.message.url));
            self.push(lease, asked, Room { share, _body: body, _permit: permit });
        }
    }

    /// Starts the delivery of a lease that was requested at this time. Its room is held until its outcome is recorded.
    pub(crate) fn push(&self, lease: Lease, asked: Instant, room: Room) {
        if asked.elapsed() >= self.0.settings.lease {
            // The process was paused, or the response of the database was slow: another dispatcher may have delivered it.
            tracing::info!(message.id = %lease.message.id, "the lease expired before the delivery began");
            self.0.counts.lease_lost();
            self.step(lease.message.id, StepKind::LeaseLost);
            self.wake(WakeUps::due_now());
            return;
        }
        let holding = self.0.in_flight.hold(lease.message.id, lease.token);
        self.deliver(Delivery { lease: Arc::new(lease), room, holding });
    }
}
