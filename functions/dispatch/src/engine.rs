//! The delivery engine of one process. Any number of them work on one database, without a leader:
//! what a message needs is in its row, and the lease decides who acts.
//!
//! ```text
//!          wake-up (timer | notification)
//!                      |
//!   intake ---+        v
//!  (leased)   |     drain: claim ---+
//!             v                     v
//!     workers: attempt (send -> decide) -> recorder: record (+ dead letter, callbacks)
//! ```
//!
//! A lease is short and renewed while its push lasts, so that a killed process is found out within
//! seconds however slow its destinations were. Everything written about a delivery names the lease's
//! token: who lost the lease writes nothing.

mod attempt;
mod callbacks;
mod counts;
mod decide;
mod destinations;
mod drain;
mod in_flight;
mod large_bodies;
mod limits;
mod listen;
mod log;
mod push;
mod recorder;
mod report;
mod request;
mod send;
mod settings;
mod shares;
mod trace;
mod visit;
mod wake_ups;
mod workers;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use sigpost_qstash::MessageId;
use sigpost_runtime::{AddressPolicy, KeyRing};
use sigpost_store::destination::Destination;
use sigpost_store::messages::Message;
use sigpost_store::wake::notify_dispatchers;
use sigpost_store::{Database, Error};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::deduplicate::Deduplicating;
use counts::Counts;
use in_flight::InFlight;
use large_bodies::{LargeBodies, Portion};
pub(crate) use listen::NOTICE_INTERVAL;
use recorder::Recorder;
use send::Sender;
pub use settings::{Awake, Further, Settings};
use shares::{Share, Shares};
pub(crate) use visit::Tick;
use wake_ups::Timers;
use workers::Workers;

/// As far away as a clock of any system can count to.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
/// How long the last writes may take once the grace time is over.
const LAST_WRITES: Duration = Duration::from_secs(5);
/// How long after an outage of the database expired leases are left alone: their holders lived through the outage as well,
/// and record their outcomes first.
const AFTER_OUTAGE: Duration = Duration::from_secs(3);

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
    /// Outcomes are kept until the database is back. Nothing that is due is claimed before they are recorded: it may be
    /// their messages, whose leases have expired meanwhile.
    outcomes_first: watch::Sender<bool>,
    /// When a statement failed last because the database was unavailable.
    unavailable_at: Mutex<Option<Instant>>,
    large_bodies: LargeBodies,
    shares: Shares,
    workers: Workers,
    timers: Timers,
    in_flight: InFlight,
    counts: Counts,
    /// Rings when this process has wake-ups that other dispatchers must hear of, because it stops.
    handing_over: Notify,
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
    /// Given back first, as the next one: a wake-up that waits for it comes before the process counts as idle.
    share: Share,
    _body: Portion,
    _permit: OwnedSemaphorePermit,
}

impl Room {
    /// The destination of the message.
    fn destination(&self) -> Destination {
        self.share.destination()
    }
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
            large_bodies: LargeBodies::new(settings.in_flight_bytes),
            shares: Shares::new(settings.max_in_flight),
            workers: Workers::default(),
            timers: Timers::new(settings.poll),
            settings,
            database,
            keys,
            deduplicating,
            recorder,
            in_flight: InFlight::default(),
            counts: Counts::default(),
            handing_over: Notify::new(),
            claims_until: Mutex::new(Instant::now() + NEVER),
            outcomes_first: watch::Sender::new(false),
            unavailable_at: Mutex::default(),
            schedules_changed: Notify::new(),
            deaf_since: Mutex::new(Some(Instant::now())),
            open: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            loops: TaskTracker::new(),
            steps: broadcast::channel(1024).0,
        }));
        tokio::spawn(recorder::record_all(engine.clone(), outcomes));
        if engine.0.settings.awake == Awake::Always {
            engine.0.loops.spawn(drain::serve_wake_ups(engine.clone()));
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

    /// Room for one more message, if there is any for its body and its destination and the engine is not stopping. Between visits there
    /// is none: what is accepted then is left to whoever is awake, perhaps to the visit that follows.
    pub(crate) fn try_room(&self, message: &Message) -> Option<Room> {
        if self.0.stopping.is_cancelled() || self.0.settings.awake == Awake::InVisits {
            return None;
        }
        let permit = Arc::clone(&self.0.room).try_acquire_owned().ok()?;
        let body = self.0.large_bodies.try_hold(message.body.len())?;
        let share = self.0.shares.try_take(Destination::of(&message.url))?;
        Some(Room { share, _body: body, _permit: permit })
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

    /// Takes note of a failed statement.
    fn saw(&self, error: &Error) {
        if matches!(error, Error::Unavailable(_)) {
            *self.0.unavailable_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Whether messages with expired leases are claimed.
    fn claims_expired(&self) -> bool {
        let unavailable_at = *self.0.unavailable_at.lock().unwrap_or_else(PoisonError::into_inner);
        unavailable_at.is_none_or(|at| at.elapsed() > AFTER_OUTAGE)
    }

    fn step(&self, id: MessageId, kind: StepKind) {
        if self.0.steps.receiver_count() > 0 {
            let _ = self.0.steps.send(Step { id, kind, at: Instant::now() });
        }
    }

    /// Stops in order: no more claims, deliveries in flight may end within the grace period, what is left is given
    /// back. Other dispatchers are notified of every wake-up. Returns when everything is recorded or the database
    /// does not respond.
    pub(crate) async fn shutdown(&self) {
        let inner = &self.0;
        inner.stopping.cancel();
        inner.loops.close();
        tokio::select! {
            () = self.hand_over_wake_ups() => {}
            () = self.finish_in_flight() => {}
        }
        self.notify_others().await;
        let _ = timeout(LAST_WRITES, inner.loops.wait()).await;
    }

    async fn finish_in_flight(&self) {
        let inner = &self.0;
        if !self.all_recorded_within(inner.settings.grace).await {
            self.give_back_all().await;
            if !self.all_recorded_within(LAST_WRITES).await {
                tracing::warn!("stopped before every delivery was recorded; their leases expire and others take over");
            }
        }
    }

    /// Notifies the others of the timers that this process leaves, and then of what its last deliveries free.
    async fn hand_over_wake_ups(&self) {
        loop {
            self.notify_others().await;
            self.0.handing_over.notified().await;
        }
    }

    /// Has the other dispatchers query everything. Without a connection they do so when they rescan.
    async fn notify_others(&self) {
        let notifying = async { notify_dispatchers(&mut *self.0.database.connection().await?).await };
        match timeout(LAST_WRITES, notifying).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.could_not_notify(&error),
            Err(_) => self.could_not_notify(&Error::Unavailable("no response in time".to_owned())),
        }
    }

    fn could_not_notify(&self, error: &Error) {
        let lease_s = self.0.settings.lease.as_secs();
        tracing::warn!(%error, lease_s, "other dispatchers cannot be notified; they take over within a lease");
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
