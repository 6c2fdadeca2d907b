//! Messages that are blocked at limits: claimed when a limit has room.

use std::time::Duration;

use sigpost_store::accept::LeaseTerms;
use sigpost_store::claim::{Bound, Claimed};
use sigpost_store::gates::{claim_blocked, rescan};
use sigpost_store::wake::Glance;
use sigpost_store::{Connection, Error, WakeUps};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::drain::room_for_a_batch;
use super::{Awake, Engine};
use crate::budget::SMALL;

/// Limits in one claim at most: all of them are locked until its end.
const BATCH: usize = 64;
/// How long a request waits for a claim: without room in flight there is none.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a claim at limits came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtLimits {
    /// Everything that may start has started.
    Claimed,
    /// The engine stops, or claims no more in this visit.
    NoRoom,
}

impl Engine {
    /// Claims what is blocked at this limit. Once it returns, what could start has started, unless that takes longer
    /// than [`PATIENCE`].
    ///
    /// Not by a wake-up: the loop could take it, and would not have claimed anything yet when this returns. Two
    /// claims at the same limit wait for each other's lock.
    pub(crate) async fn claim_at_limit_now(&self, limit: String) {
        let engine = self.clone();
        // Not in the task of the caller, who may hang up: what was leased must be delivered.
        let claiming = self.0.loops.spawn(async move { engine.claim_at_limits(vec![limit]).await });
        // What failed, or is locked by another transaction, is found by a rescan.
        let _ = timeout(PATIENCE, claiming).await;
        self.wake_everything();
    }

    /// Claims what is blocked at the limits whose time has come. No statement when there is none.
    pub(super) async fn claim_at_due_limits(&self) -> Result<AtLimits, Error> {
        self.claim_at_limits(self.0.timers.take_limits()).await
    }

    /// Claims what is blocked at these limits.
    pub(super) async fn claim_at_limits(&self, limits: Vec<String>) -> Result<AtLimits, Error> {
        for (number, batch) in limits.chunks(BATCH).enumerate() {
            if self.claim_at_batch(batch).await? == AtLimits::NoRoom {
                self.wake(WakeUps::at_limits(limits[number * BATCH..].iter().cloned()));
                return Ok(AtLimits::NoRoom);
            }
        }
        Ok(AtLimits::Claimed)
    }

    async fn claim_at_batch(&self, limits: &[String]) -> Result<AtLimits, Error> {
        let inner = &self.0;
        loop {
            let Some(room) = room_for_a_batch(self).await else { return Ok(AtLimits::NoRoom) };
            let terms = LeaseTerms { token: Uuid::now_v7(), length: inner.settings.lease };
            let wanted = room.num_permits();
            let bodies = inner.large_bodies.reserve();
            let bound = Bound { messages: wanted, small: SMALL, bytes: bodies.bytes() };
            let asked = Instant::now();
            let mut conn = inner.database.connection().await?;
            let claimed = claim_blocked(&mut conn, limits, terms, bound).await?;
            conn.done_with(claimed.body_bytes());
            let Claimed { leases, wake_ups, postponed } = claimed;
            let all = leases.len() < wanted;
            self.push_all(leases, asked, room, bodies);
            self.wake(wake_ups);
            self.wake(inner.large_bodies.postpone(postponed));
            if all {
                return Ok(AtLimits::Claimed);
            }
        }
    }

    /// Rescans the limits at which messages are blocked, if `wanted`, and sees to it that this happens once per lease:
    /// the process that was to wake them may have crashed.
    pub(super) async fn rescan_limits(&self, conn: &mut Connection, seen: &Glance, wanted: bool) -> Result<(), Error> {
        if !seen.anybody_waits {
            return Ok(());
        }
        if wanted {
            self.wake(rescan(conn).await?);
        }
        // A function's visit ends instead: every tick rescans.
        if self.0.settings.awake == Awake::Always {
            self.0.timers.rescan_in(self.0.settings.lease);
        }
        Ok(())
    }
}
