//! Reports of a process that runs continuously: its state and the number of messages that have not ended.
//!
//! A busy process reports every minute, an idle one a few times per hour, because the statements of an idle process are
//! limited (`cargo run --release -p bench -- --only idle`).

use std::fs;
use std::process;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sigpost_runtime::Memory;
use sigpost_store::Error;
use sigpost_store::processes::{Report, leave, save};
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::Dispatcher;

/// The interval of reports. The queue is sampled once per minute.
const BUSY: Duration = Duration::from_secs(60);
/// The interval of reports of an idle process. `sigpost_store::processes::living` waits longer.
const AT_REST: Duration = Duration::from_secs(15 * 60);

/// The state of a process.
#[derive(Clone, Copy)]
struct State {
    /// A number that grows with each event of a message.
    done: u64,
    in_flight: usize,
    /// Whether there are messages that have not ended, as of the last query.
    open: bool,
    disconnected: bool,
}

impl State {
    /// Whether there is nothing to report: no events since `then`, no open messages, and the listener is and was
    /// connected.
    fn is_at_rest_since(&self, then: &Self) -> bool {
        self.done == then.done && self.in_flight == 0 && !self.open && !self.disconnected && !then.disconnected
    }
}

/// Reports until the dispatcher stops, and then removes the process from the list.
pub(super) async fn report(dispatcher: Dispatcher) {
    let (id, name) = (Uuid::now_v7(), name());
    let mut ticks = interval(BUSY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<(Instant, State)> = None;
    loop {
        tokio::select! {
            () = dispatcher.0.stopping.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let now = dispatcher.state();
        if told.is_some_and(|(at, then)| at.elapsed() < AT_REST && now.is_at_rest_since(&then)) {
            continue;
        }
        told = match dispatcher.tell(id, &name).await {
            Ok(()) => Some((Instant::now(), now)),
            Err(error) => {
                tracing::warn!(%error, "reporting the state of this process failed");
                None
            }
        };
    }
    if told.is_some()
        && let Err(error) = dispatcher.take_leave(id).await
    {
        tracing::info!(%error, "removing this process from the list failed; it stays listed for some minutes");
    }
}

impl Dispatcher {
    fn state(&self) -> State {
        let inner = &self.0;
        State {
            done: inner.counts.done(),
            in_flight: self.in_flight(),
            open: inner.open.load(Ordering::Relaxed),
            disconnected: self.disconnected_since().is_some(),
        }
    }

    async fn tell(&self, id: Uuid, name: &str) -> Result<(), Error> {
        let inner = &self.0;
        let disconnected_for = self.disconnected_since().map(|since| since.elapsed());
        let report = Report { id, name, memory: Memory::measure(), disconnected_for };
        let open = save(&mut *inner.database.connection().await?, &report).await?;
        inner.open.store(open, Ordering::Relaxed);
        Ok(())
    }

    async fn take_leave(&self, id: Uuid) -> Result<(), Error> {
        leave(&mut *self.0.database.connection().await?, id).await
    }

    /// Since when the listener is disconnected; `None` while it is connected.
    pub(super) fn disconnected_since(&self) -> Option<Instant> {
        *self.0.disconnected_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_disconnected(&self, disconnected: bool) {
        let mut since = self.0.disconnected_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if disconnected { since.or_else(|| Some(Instant::now())) } else { None };
    }
}

/// Returns host and process ID. In a container, the host is the container or the pod.
fn name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    format!("{}/{}", host.as_deref().map_or("host", str::trim), process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_at_rest_when_nothing_happens_and_nothing_is_left_to_happen() {
        let then = State { done: 7, in_flight: 0, open: false, disconnected: false };
        assert!(then.is_at_rest_since(&State { in_flight: 3, open: true, ..then }), "only the present state counts");
        for now in [
            State { done: 8, ..then },
            State { in_flight: 1, ..then },
            State { open: true, ..then },
            State { disconnected: true, ..then },
        ] {
            assert!(!now.is_at_rest_since(&then));
        }
        assert!(!then.is_at_rest_since(&State { disconnected: true, ..then }), "a reconnected listener is reported");
    }
}
