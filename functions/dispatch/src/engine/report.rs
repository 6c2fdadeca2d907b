//! What a process that runs all the time says of itself: how it is, and how many messages are open.
//!
//! It does so every minute while there is something to do. At rest it does so a few times an hour: what an idle
//! process asks has a bound (`cargo run --release -p bench -- --only idle`).

use std::fs;
use std::process;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sigpost_runtime::{Memory, env};
use sigpost_store::Error;
use sigpost_store::processes::{Report, leave, save};
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::Engine;

/// Between two reports. The samples of the queue are one a minute.
const BUSY: Duration = Duration::from_secs(60);
/// Between two reports of a process at rest; `sigpost_store::processes::living` waits longer than that.
const AT_REST: Duration = Duration::from_secs(15 * 60);

/// How a process is.
#[derive(Clone, Copy)]
struct State {
    /// What was done here until now.
    done: u64,
    in_flight: usize,
    /// Messages are open, as far as is known here.
    open: bool,
    deaf: bool,
}

impl State {
    /// Whether there is nothing to tell: nothing was done since `then`, nothing is open, nothing is the matter, and
    /// nobody was told that anything is.
    fn is_at_rest_since(&self, then: &Self) -> bool {
        self.done == then.done && self.in_flight == 0 && !self.open && !self.deaf && !then.deaf
    }
}

/// Reports until the engine stops, and then takes its leave.
pub(super) async fn report(engine: Engine) {
    let (id, name) = (Uuid::now_v7(), name());
    let mut ticks = interval(BUSY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<(Instant, State)> = None;
    loop {
        tokio::select! {
            () = engine.0.stopping.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let now = engine.state();
        if told.is_some_and(|(at, then)| at.elapsed() < AT_REST && now.is_at_rest_since(&then)) {
            continue;
        }
        told = match engine.tell(id, &name).await {
            Ok(()) => Some((Instant::now(), now)),
            Err(error) => {
                tracing::warn!(%error, "this process cannot say how it is");
                None
            }
        };
    }
    if told.is_some()
        && let Err(error) = engine.take_leave(id).await
    {
        tracing::info!(%error, "this process is believed to live for some minutes");
    }
}

impl Engine {
    fn state(&self) -> State {
        let inner = &self.0;
        State {
            done: inner.counts.done(),
            in_flight: self.in_flight(),
            open: inner.open.load(Ordering::Relaxed),
            deaf: self.deaf_since().is_some(),
        }
    }

    async fn tell(&self, id: Uuid, name: &str) -> Result<(), Error> {
        let inner = &self.0;
        let deaf_for = self.deaf_since().map(|since| since.elapsed());
        let report = Report { id, name, memory: Memory::measure(), deaf_for };
        let open = save(&mut *inner.database.connection().await?, &report).await?;
        inner.open.store(open, Ordering::Relaxed);
        Ok(())
    }

    async fn take_leave(&self, id: Uuid) -> Result<(), Error> {
        leave(&mut *self.0.database.connection().await?, id).await
    }

    /// Since when no notifications of other processes arrive; `None` while they do.
    pub(super) fn deaf_since(&self) -> Option<Instant> {
        *self.0.deaf_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_deaf(&self, deaf: bool) {
        let mut since = self.0.deaf_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if deaf { since.or_else(|| Some(Instant::now())) } else { None };
    }
}

/// Host and process id. In a container the host is the container, or the pod.
fn name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| env::var("HOSTNAME").ok().flatten());
    format!("{}/{}", host.as_deref().map_or("host", str::trim), process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_at_rest_when_nothing_happens_and_nothing_is_left_to_happen() {
        let then = State { done: 7, in_flight: 0, open: false, deaf: false };
        assert!(then.is_at_rest_since(&State { in_flight: 3, open: true, ..then }), "what was told is over");
        for now in [
            State { done: 8, ..then },
            State { in_flight: 1, ..then },
            State { open: true, ..then },
            State { deaf: true, ..then },
        ] {
            assert!(!now.is_at_rest_since(&then));
        }
        assert!(!then.is_at_rest_since(&State { deaf: true, ..then }), "that it hears again is news");
    }
}
