//! Leases of this process and their renewal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sigpost_qstash::MessageId;
use sigpost_store::leases::renew;
use sigpost_store::record::{Next, Outcome, record};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::Dispatcher;

/// After this time, a request continues in a separate task, which a lost lease aborts.
pub(super) const LONG: Duration = Duration::from_millis(20);

/// The leases of this process by message.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashMap<MessageId, Held>>>);

struct Held {
    token: Uuid,
    since: Instant,
    /// Whether the lease is no longer renewed.
    expires: bool,
    /// Whether the lease is lost.
    is_lost: bool,
    /// The task of a long attempt.
    attempt: Option<AbortHandle>,
}

/// An entry of the list, removed when it is dropped.
pub(super) struct Holding {
    in_flight: InFlight,
    id: MessageId,
    since: Instant,
}

impl InFlight {
    /// Adds a lease to the list until the holding is dropped.
    pub(super) fn hold(&self, id: MessageId, token: Uuid) -> Holding {
        let since = Instant::now();
        let held = Held { token, since, expires: false, is_lost: false, attempt: None };
        self.lock().insert(id, held);
        Holding { in_flight: self.clone(), id, since }
    }

    /// Starts the task of a long attempt, which is aborted if the lease is lost.
    pub(super) fn start(&self, id: MessageId, token: Uuid, start: impl FnOnce() -> AbortHandle) {
        // The task cannot end before its handle is stored, because that needs the lock too.
        let mut held = self.lock();
        let attempt = start();
        match held.get_mut(&id).filter(|held| held.token == token) {
            Some(held) if !held.is_lost => held.attempt = Some(attempt),
            _ => attempt.abort(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn all(&self) -> Vec<(MessageId, Uuid)> {
        self.lock().iter().map(|(id, held)| (*id, held.token)).collect()
    }

    /// Returns the leases to renew that are at least this old.
    fn to_renew(&self, age: Duration) -> Vec<(MessageId, Uuid)> {
        let held = self.lock();
        let to_renew = held.iter().filter(|(_, held)| held.since.elapsed() >= age && !held.expires);
        to_renew.map(|(id, held)| (*id, held.token)).collect()
    }

    fn abort(&self, id: MessageId, token: Uuid) -> bool {
        match self.lock().get_mut(&id) {
            Some(held) if held.token == token => {
                held.is_lost = true;
                if let Some(attempt) = &held.attempt {
                    attempt.abort();
                }
                true
            }
            _ => false,
        }
    }
}

impl Holding {
    /// Whether the lease was lost before the attempt began.
    pub(super) fn is_lost(&self) -> bool {
        // Before that, leases are not renewed, and so cannot be found lost.
        self.since.elapsed() > LONG && self.in_flight.lock().get(&self.id).is_some_and(|held| held.is_lost)
    }

    /// Stops renewing the lease. The outcome can be recorded until another dispatcher claims the message.
    pub(super) fn renew_no_more(&self) {
        if let Some(held) = self.in_flight.lock().get_mut(&self.id) {
            held.expires = true;
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.in_flight.lock().remove(&self.id);
    }
}

/// Renews leases that are at least a third of a lease old, three times per lease. So short attempts need no renewal, and an
/// idle dispatcher sends no statements. Continues during shutdown until all deliveries have ended.
pub(super) async fn renew_leases(dispatcher: Dispatcher) {
    let third = dispatcher.0.settings.lease / 3;
    let mut ticks = interval(third);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = dispatcher.0.stopping.cancelled(), if dispatcher.0.in_flight.is_empty() => return,
            _ = ticks.tick() => dispatcher.renew_held_for(third).await,
        }
    }
}

impl Dispatcher {
    /// Renews leases that are at least this old, and aborts attempts whose lease is lost.
    pub(super) async fn renew_held_for(&self, age: Duration) {
        let inner = &self.0;
        let held = inner.in_flight.to_renew(age);
        if held.is_empty() {
            return;
        }
        let renewed = async { renew(&mut *inner.database.connection().await?, &held, inner.settings.lease).await };
        match renewed.await {
            Ok(ours) => {
                let ours: std::collections::HashSet<MessageId> = ours.into_iter().collect();
                for (id, token) in held.into_iter().filter(|(id, _)| !ours.contains(id)) {
                    if inner.in_flight.abort(id, token) {
                        tracing::info!(message.id = %id, "aborted an attempt because its lease was lost");
                    }
                }
            }
            // The attempts continue: their outcomes can be recorded until another dispatcher claims the messages.
            Err(error) => {
                tracing::warn!(%error, leases = held.len(), "renewing leases failed");
                self.saw(&error);
            }
        }
    }

    /// Aborts all attempts in flight and makes their messages due again.
    pub(super) async fn give_back_all(&self) {
        let inner = &self.0;
        // Kept until they are recorded as released. The others end after this pause, or can be aborted.
        let _waiting = inner.workers.take_waiting();
        sleep(LONG).await;
        let held = inner.in_flight.all();
        for (id, token) in &held {
            inner.in_flight.abort(*id, *token);
        }
        let given_back: Vec<Outcome> = held
            .into_iter()
            .map(|(id, token)| Outcome {
                id,
                token,
                next: Next::GivenBack(Duration::ZERO),
                response: None,
                error: None,
                has_slots: true,
            })
            .collect();
        tracing::info!(messages = given_back.len(), "the grace period is over; releasing unfinished deliveries");
        let recorded =
            async { record(&mut *inner.database.connection().await?, &given_back.iter().collect::<Vec<_>>()).await };
        match recorded.await {
            Ok(recorded) => self.wake(recorded.wake_ups),
            Err(error) => tracing::warn!(%error, "releasing deliveries failed; their leases expire instead"),
        }
    }
}
