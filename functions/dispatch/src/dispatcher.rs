//! The dispatcher of one process. Any number of dispatchers share a database without a leader: the state of a message is
//! in its row, and its lease determines which dispatcher delivers it.
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
//! A lease is short and renewed during its attempt, so that other dispatchers take over from a crashed process within
//! seconds, however slow its destinations are. Every write about a delivery requires the lease token: a dispatcher that
//! lost the lease writes nothing.

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
mod room;
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

/// A duration that every system's clock supports.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
/// Timeout of the last writes after the grace period.
const LAST_WRITES: Duration = Duration::from_secs(5);
/// How long expired leases are not claimed after an outage of the database: their holders probably survived the outage and
/// record their outcomes first.
const AFTER_OUTAGE: Duration = Duration::from_secs(3);

/// A handle to the dispatcher; clones share it.
#[derive(Clone)]
pub struct Dispatcher(Arc<Inner>);

struct Inner {
    settings: Settings,
    database: Database,
    keys: KeyRing,
    /// For callbacks.
    deduplicating: Deduplicating,
    sender: Sender,
    recorder: Recorder,
    room: Arc<Semaphore>,
    /// Whether outcomes wait for the database. Due messages are not claimed before these are recorded, because they may be
    /// the same messages with leases that expired meanwhile.
    outcomes_first: watch::Sender<bool>,
    /// When a statement last failed because the database was unavailable.
    unavailable_at: Mutex<Option<Instant>>,
    large_bodies: LargeBodies,
    shares: Shares,
    workers: Workers,
    timers: Timers,
    in_flight: InFlight,
    counts: Counts,
    /// Notified when this process is stopping and has wake-ups for other dispatchers.
    handing_over: Notify,
    /// The end of claiming in a visit. Without visits: never.
    claims_until: Mutex<Instant>,
    /// Notified when a schedule may fire earlier than known.
    schedules_changed: Notify,
    /// Since when the listener is disconnected; `None` while it is connected.
    disconnected_since: Mutex<Option<Instant>>,
    /// Whether messages had not ended at the last query of this process.
    open: AtomicBool,
    stopping: CancellationToken,
    /// The loops: wake-ups, listener, lease renewal, reports, and firing of schedules.
    loops: TaskTracker,
    steps: broadcast::Sender<Step>,
}

/// Capacity for one message in flight, released when it is dropped.
pub(crate) struct Room {
    /// Released first, like the body, so that a wake-up that waits for it is set before the process counts as idle.
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

/// A step of a message in this process, for watchers.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The message.
    pub id: MessageId,
    /// The kind of the step.
    pub kind: StepKind,
    /// The time by this process's clock.
    pub at: Instant,
}

/// Kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Stored and committed.
    Accepted,
    /// An attempt starts.
    Pushed,
    /// Recorded as delivered.
    Delivered,
    /// Recorded as failed, with a retry.
    Retried,
    /// Recorded as failed without a retry; the message is a dead letter.
    Failed,
    /// Released without a recorded attempt.
    GivenBack,
    /// The lease was lost before the outcome was recorded.
    LeaseLost,
}

impl Dispatcher {
    /// Starts the loops.
    pub(crate) fn start(
        settings: Settings,
        database: Database,
        keys: KeyRing,
        policy: &AddressPolicy,
        deduplicating: Deduplicating,
    ) -> Result<Self> {
        let (recorder, outcomes) = Recorder::channel();
        let dispatcher = Self(Arc::new(Inner {
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
            disconnected_since: Mutex::new(Some(Instant::now())),
            open: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            loops: TaskTracker::new(),
            steps: broadcast::channel(1024).0,
        }));
        tokio::spawn(recorder::record_all(dispatcher.clone(), outcomes));
        if dispatcher.0.settings.awake == Awake::Always {
            dispatcher.0.loops.spawn(drain::serve_wake_ups(dispatcher.clone()));
            dispatcher.0.loops.spawn(listen::listen(dispatcher.clone()));
            dispatcher.0.loops.spawn(in_flight::renew_leases(dispatcher.clone()));
            dispatcher.0.loops.spawn(report::report(dispatcher.clone()));
        }
        Ok(dispatcher)
    }

    /// Subscribes to the steps in this process. A slow watcher misses steps.
    pub fn watch(&self) -> broadcast::Receiver<Step> {
        self.0.steps.subscribe()
    }

    /// Number of messages in flight in this process, from the lease to the recorded outcome.
    pub fn in_flight(&self) -> usize {
        self.0.settings.max_in_flight - self.0.room.available_permits()
    }

    /// Returns whether messages in flight at slow destinations take nearly all the room. Then the rate depends on how soon
    /// room is free again, and not on the cost of statements.
    fn is_bound_by_room(&self) -> bool {
        self.0.room.available_permits() < self.0.settings.max_in_flight / 8 && !self.0.workers.is_any_waiting()
    }

    /// Maximum number of messages in flight in this process.
    pub(crate) fn max_in_flight(&self) -> usize {
        self.0.settings.max_in_flight
    }

    /// Reserves capacity for a message, if there is any for its body and its destination and the dispatcher is not stopping.
    /// A process that delivers in visits has none here: the current or next visit delivers accepted messages.
    pub(crate) fn try_room(&self, message: &Message) -> Option<Room> {
        if self.0.stopping.is_cancelled() || self.0.settings.awake == Awake::InVisits {
            return None;
        }
        let permit = Arc::clone(&self.0.room).try_acquire_owned().ok()?;
        let body = self.0.large_bodies.try_hold(message.body.len())?;
        let share = self.0.shares.try_take(Destination::of(&message.url))?;
        Some(Room { share, _body: body, _permit: permit })
    }

    /// Sends the counts of deliveries since the last call to CloudWatch.
    pub(crate) fn emit_counts(&self) {
        self.0.counts.emit();
    }

    pub(crate) fn is_always_awake(&self) -> bool {
        self.0.settings.awake == Awake::Always
    }

    pub(crate) fn lease_length(&self) -> Duration {
        self.0.settings.lease
    }

    /// Runs an additional loop. It must end when [`stopping`](Self::stopping) is cancelled, because shutdown waits for it.
    pub(crate) fn run_loop(&self, looping: impl Future<Output = ()> + Send + 'static) {
        self.0.loops.spawn(looping);
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    pub(crate) fn schedules_changed(&self) -> &Notify {
        &self.0.schedules_changed
    }

    /// Counts an accepted message, and sends the step to watchers.
    pub(crate) fn accepted(&self, id: MessageId) {
        self.0.counts.accepted();
        log::accepted(id);
        self.step(id, StepKind::Accepted);
    }

    /// Notes a failed statement.
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

    /// Shuts down gracefully: stops claiming, drains deliveries in flight within the grace period or until `hurry`
    /// completes, and releases the remaining messages. Notifies other dispatchers of all wake-ups. Returns when everything
    /// is recorded or the database does not respond.
    pub(crate) async fn shutdown(&self, hurry: impl Future<Output = ()>) {
        let inner = &self.0;
        inner.stopping.cancel();
        inner.loops.close();
        tokio::select! {
            () = self.hand_over_wake_ups() => {}
            () = self.finish_in_flight(hurry) => {}
        }
        self.notify_others().await;
        let _ = timeout(LAST_WRITES, inner.loops.wait()).await;
    }

    async fn finish_in_flight(&self, hurry: impl Future<Output = ()>) {
        let all_recorded = tokio::select! {
            all = self.all_recorded_within(self.0.settings.grace) => all,
            () = hurry => false,
        };
        if !all_recorded {
            self.give_back_all().await;
            if !self.all_recorded_within(LAST_WRITES).await {
                tracing::warn!(
                    "stopped before all outcomes were recorded; the leases expire and other dispatchers take over"
                );
            }
        }
    }

    /// Notifies the other dispatchers of this process's timers, and then of the limits that its last deliveries free.
    async fn hand_over_wake_ups(&self) {
        loop {
            self.notify_others().await;
            self.0.handing_over.notified().await;
        }
    }

    /// Makes the other dispatchers query everything. Without a connection, their next rescan does.
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
        tracing::warn!(%error, lease_s, "notifying other dispatchers failed; they take over within a lease");
    }

    /// Waits until nothing is in flight: capacity is released when an outcome is recorded.
    async fn nothing_in_flight(&self) {
        let all = u32::try_from(self.0.settings.max_in_flight).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.0.room.acquire_many(all).await;
    }

    async fn all_recorded_within(&self, time: Duration) -> bool {
        timeout(time, self.nothing_in_flight()).await.is_ok()
    }
}
