//! The delivery engine of one process. Any number of them work on one database, without a leader:
//! what a message needs is in its row, and the lease decides who acts.
//!
//! ```text
//!            look (notified | due | polled)
//!                      |
//!   intake ---+        v
//!  (leased)   |     drain: claim ---+
//!             v                     v
//!            push: send -> decide -> recorder: record (+ dead letter, callbacks)
//! ```
//!
//! A lease is short and renewed while its push lasts, so that a killed process is found out within
//! seconds however slow its destinations were. Everything written about a delivery names the lease's
//! token: who lost the lease writes nothing.

mod callbacks;
mod counts;
mod decide;
mod drain;
mod fast_lane;
mod gates;
mod in_flight;
mod listen;
mod log;
mod push;
mod recorder;
mod report;
mod send;
mod settings;
mod trace;
mod visit;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use sigpost_qstash::{MessageId, Start};
use sigpost_runtime::{AddressPolicy, KeyRing};
use sigpost_store::Database;
use sigpost_store::accept::NewMessage;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::deduplicate::Deduplicating;
use counts::Counts;
use gates::Gates;
use in_flight::InFlight;
use recorder::Recorder;
use send::Sender;
pub use settings::{Awake, Further, Settings};
pub(crate) use visit::Tick;

/// As far away as a clock of any system can count to.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
/// How long the last writes may take once the grace time is over.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    settings: Settings,
    database: Database,
    keys: KeyRing,
    /// For callbacks.
    deduplicating: Deduplicating,
    sender: Sender,
    recorder: Recorder,
    room: Arc<Semaphore>,
    gates: Gates,
    in_flight: InFlight,
    counts: Counts,
    /// When to look for due messages next, and the bell that says it is earlier than it was.
    next_look: Mutex<Instant>,
    earlier: Notify,
    /// In a visit, after this nothing more is claimed. Without visits: never.
    claims_until: Mutex<Instant>,
    /// Rings when a schedule may fire earlier than is known here.
    schedules_changed: Notify,
    /// Since when no notifications of other processes arrive; `None` while they do.
    deaf_since: Mutex<Option<Instant>>,
    /// Messages were open when somebody here last looked.
    open: AtomicBool,
    stopping: CancellationToken,
    /// The loops: look, listen, renew, report, and the firing of schedules.
    loops: TaskTracker,
    steps: broadcast::Sender<Step>,
}

/// The right to have one more message in flight; given back when it is dropped.
pub(crate) struct Room {
    _permit: OwnedSemaphorePermit,
}

/// Something that happened to a message in this process, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The message.
    pub id: MessageId,
    /// What happened.
    pub kind: StepKind,
    /// When, by this process's clock.
    pub at: Instant,
}

/// What can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The commit that holds it is done.
    Accepted,
    /// The request is going out.
    Pushed,
    /// Recorded as delivered.
    Delivered,
    /// Recorded as failed, to be tried again.
    Retried,
    /// Recorded as failed for good.
    Failed,
    /// Recorded as not attempted.
    GivenBack,
    /// The lease was gone when the end of the delivery was to be recorded.
    LeaseLost,
}

impl Engine {
    /// Starts the loops.
    pub(crate) fn start(
        settings: Settings,
        database: Database,
        keys: KeyRing,
        policy: &AddressPolicy,
        deduplicating: Deduplicating,
    ) -> Result<Self> {
        let (recorder, outcomes) = Recorder::channel();
        let engine = Self(Arc::new(Inner {
            sender: Sender::new(policy, &settings)?,
            room: Arc::new(Semaphore::new(settings.max_in_flight)),
            settings,
            database,
            keys,
            deduplicating,
            recorder,
            gates: Gates::default(),
            in_flight: InFlight::default(),
            counts: Counts::default(),
            next_look: Mutex::new(Instant::now()),
            earlier: Notify::new(),
            claims_until: Mutex::new(Instant::now() + NEVER),
            schedules_changed: Notify::new(),
            deaf_since: Mutex::new(Some(Instant::now())),
            open: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            loops: TaskTracker::new(),
            steps: broadcast::channel(1024).0,
        }));
        tokio::spawn(recorder::record_all(engine.clone(), outcomes));
        if engine.0.settings.awake == Awake::Always {
            engine.0.loops.spawn(drain::look_when_due(engine.clone()));
            engine.0.loops.spawn(listen::listen(engine.clone()));
            engine.0.loops.spawn(in_flight::renew_leases(engine.clone()));
            engine.0.loops.spawn(report::report(engine.clone()));
        }
        Ok(engine)
    }

    /// What happens in this process from now on. A watcher that is slow misses steps.
    pub fn watch(&self) -> broadcast::Receiver<Step> {
        self.0.steps.subscribe()
    }

    /// How many messages are in flight here, from the lease to the recorded end.
    pub fn in_flight(&self) -> usize {
        self.0.settings.max_in_flight - self.0.room.available_permits()
    }

    /// How many messages may be in flight here.
    pub(crate) fn max_in_flight(&self) -> usize {
        self.0.settings.max_in_flight
    }

    /// Room for one more message, if there is any and the engine is not stopping. Between visits there
    /// is none: what is accepted then is left to whoever is awake, perhaps to the visit that follows.
    pub(crate) fn try_room(&self) -> Option<Room> {
        if self.0.stopping.is_cancelled() || self.0.settings.awake == Awake::InVisits {
            return None;
        }
        Arc::clone(&self.0.room).try_acquire_owned().ok().map(|permit| Room { _permit: permit })
    }

    /// Tells CloudWatch what came of deliveries since the last time.
    pub(crate) fn emit_counts(&self) {
        self.0.counts.emit();
    }

    pub(crate) fn is_always_awake(&self) -> bool {
        self.0.settings.awake == Awake::Always
    }

    pub(crate) fn lease_length(&self) -> Duration {
        self.0.settings.lease
    }

    /// Makes the engine look for due messages after this time, unless it will look earlier anyway.
    pub(crate) fn look_in(&self, delay: Duration) {
        // Beyond the poll interval it looks anyway; this also keeps the sum from overflowing.
        let at = Instant::now() + delay.min(self.0.settings.poll);
        let mut next_look = self.next_look();
        if at < *next_look {
            *next_look = at;
            self.0.earlier.notify_one();
        }
    }

    /// When the next look is. Locked: not to be held over a wait.
    fn next_look(&self) -> MutexGuard<'_, Instant> {
        self.0.next_look.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the engine look for a message that was stored and not leased, when it is due.
    pub(crate) fn look_for(&self, new: &NewMessage) {
        if new.is_parked() {
            return self.look_at_gates(new.message.gates().into_iter().take(1));
        }
        self.look_in(match new.start {
            Start::Now => Duration::ZERO,
            Start::After(delay) => delay,
            Start::At(time) => time.duration_since(jiff::Timestamp::now()).try_into().unwrap_or(Duration::ZERO),
        });
    }

    /// Runs one more loop beside the engine's own. Shutdown waits for its end, which has to come
    /// when [`stopping`](Self::stopping) is cancelled.
    pub(crate) fn run_loop(&self, looping: impl Future<Output = ()> + Send + 'static) {
        self.0.loops.spawn(looping);
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    pub(crate) fn schedules_changed(&self) -> &Notify {
        &self.0.schedules_changed
    }

    /// A message was accepted here: counted, and told to watchers.
    pub(crate) fn accepted(&self, id: MessageId) {
        self.0.counts.accepted();
        log::accepted(id);
        self.step(id, StepKind::Accepted);
    }

    fn step(&self, id: MessageId, kind: StepKind) {
        if self.0.steps.receiver_count() > 0 {
            let _ = self.0.steps.send(Step { id, kind, at: Instant::now() });
        }
    }

    /// Stops in order: no more claims, the pushes under way may end within the grace time, what is
    /// left is given back. Returns when everything is recorded or the database does not answer.
    pub(crate) async fn shutdown(&self) {
        let inner = &self.0;
        inner.stopping.cancel();
        inner.loops.close();
        if !self.all_recorded_within(inner.settings.grace).await {
            self.give_back_all().await;
            if !self.all_recorded_within(LAST_WRITES).await {
                tracing::warn!("stopped before everything was recorded; the leases run out and others take over");
            }
        }
        let _ = timeout(LAST_WRITES, inner.loops.wait()).await;
    }

    /// Waits until nothing is in flight: room is given back when the end of a delivery is recorded.
    async fn nothing_in_flight(&self) {
        let all = u32::try_from(self.0.settings.max_in_flight).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.0.room.acquire_many(all).await;
    }

    async fn all_recorded_within(&self, time: Duration) -> bool {
        timeout(time, self.nothing_in_flight()).await.is_ok()
    }
}
