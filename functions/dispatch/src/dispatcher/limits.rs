//! Claims messages that limits block, when a limit has free slots.

use std::time::Duration;

use sigpost_store::claim::Claimed;
use sigpost_store::destination::Destination;
use sigpost_store::gates::{claim_blocked, rescan};
use sigpost_store::wake::Snapshot;
use sigpost_store::{Connection, Error, WakeUps};
use tokio::time::timeout;

use super::room::{Batch, next_batch};
use super::shares::LEFT_OUT;
use super::{Awake, Dispatcher};

/// Maximum number of limits in one claim, which locks all of them until its end.
const BATCH: usize = 64;
/// How long a request waits for a claim, which needs room in flight.
const PATIENCE: Duration = Duration::from_secs(1);

/// The result of a claim at limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtLimits {
    /// All messages that can start have started.
    Claimed,
    /// The dispatcher stops, or the visit claims no more.
    NoRoom,
}

impl Dispatcher {
    /// Claims messages that this limit blocks. On return, all that can start have started, unless that takes longer than
    /// [`PATIENCE`].
    ///
    /// This is not a wake-up, which returns before the loop has claimed. Two claims at the same limit wait for each
    /// other's lock.
    pub(crate) async fn claim_at_limit_now(&self, limit: String) {
        let dispatcher = self.clone();
        // In a separate task, because the caller's is dropped on disconnect, and leased messages must be delivered.
        let claiming = self.0.loops.spawn(async move { dispatcher.claim_at_limits(vec![limit]).await });
        // A rescan covers errors and rows that another transaction has locked.
        let _ = timeout(PATIENCE, claiming).await;
        self.wake_everything();
    }

    /// Claims messages at the limits with due wake-ups. No statement if there are none.
    pub(super) async fn claim_at_due_limits(&self) -> Result<AtLimits, Error> {
        self.claim_at_limits(self.0.timers.take_limits()).await
    }

    /// Claims messages that these limits block.
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
            let Some(batch) = next_batch(self).await else { return Ok(AtLimits::NoRoom) };
            let Batch { terms, bound, without, room, bodies, asked } = batch;
            let mut conn = inner.database.connection().await?;
            let claimed = claim_blocked(&mut conn, limits, terms, bound, &without).await?;
            let took = asked.elapsed();
            conn.done_with(claimed.body_bytes());
            let Claimed { leases, wake_ups, postponed, left_out } = claimed;
            let all = leases.len() < bound.messages;
            self.push_all(leases, asked, room, bodies);
            self.wake(wake_ups);
            self.wake(inner.large_bodies.postpone(postponed));
            if !all {
                continue;
            }
            let destinations: Vec<Destination> = left_out.iter().map(|(_, destination)| *destination).collect();
            if destinations.is_empty() || !inner.shares.grant(&destinations) {
                // The query scans the skipped messages.
                let wake_in = LEFT_OUT.max(took * 4);
                let limits = left_out.into_iter().map(|(limit, _)| (limit, wake_in)).collect();
                self.wake(WakeUps { due_in: None, limits });
                return Ok(AtLimits::Claimed);
            }
        }
    }

    /// Rescans the limits with blocked messages if `wanted`, and schedules the next rescan after a lease, in case the
    /// process that should wake them crashed.
    pub(super) async fn rescan_limits(
        &self,
        conn: &mut Connection,
        seen: &Snapshot,
        wanted: bool,
    ) -> Result<(), Error> {
        if !seen.is_any_blocked {
            return Ok(());
        }
        if wanted {
            self.wake(rescan(conn).await?);
        }
        // In visits, every tick rescans.
        if self.0.settings.awake == Awake::Always {
            self.0.timers.rescan_in(self.0.settings.lease);
        }
        Ok(())
    }
}
