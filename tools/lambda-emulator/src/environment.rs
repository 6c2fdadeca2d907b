//! An execution environment: a process, with its runtime and extensions.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::definition::{Definition, Rejected};

/// Execution environment of a function.
pub struct Environment {
    pub(crate) timeout: Duration,
    /// On managed instances: maximum number of concurrent invocations.
    managed: Option<usize>,
    state: Mutex<State>,
    /// Notified at each change of the state.
    changed: Notify,
}

#[derive(Default)]
struct State {
    process: Option<Pid>,
    phase: Phase,
    /// The runtime (empty name) and the extensions, and whether each has requested the next event.
    waiting: HashMap<String, bool>,
    /// Pending events, with the name of the recipient.
    deliveries: VecDeque<(String, Delivery)>,
    /// Receivers of the responses by request ID; `None` after the timeout.
    answers: HashMap<String, Option<oneshot::Sender<Result<Value, Rejected>>>>,
    /// On managed instances: number of current invocations.
    at_work: usize,
    spawned_at: Option<Instant>,
    /// Time from the start of the process to the runtime's first request for an event, and to its first response.
    polled_after: Option<Duration>,
    answered_after: Option<Duration>,
    invoked_at: Option<Instant>,
    invocations: u64,
    /// Duration of each invocation, from its event until runtime and extensions have requested the next one.
    billed: Vec<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Starting,
    /// Frozen until the next event.
    Frozen,
    Invoked,
    /// On managed instances: never frozen.
    Awake,
    Dead,
}

/// An event for the runtime or an extension.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) request_id: String,
    pub(crate) deadline_ms: u128,
    pub(crate) event: Value,
}

/// Name of the runtime.
pub(crate) const RUNTIME: &str = "";

impl Environment {
    /// Creates an environment without a process.
    pub(crate) fn new(definition: &Definition) -> Arc<Self> {
        Arc::new(Self {
            timeout: definition.timeout,
            managed: definition.managed,
            state: Mutex::new(State { waiting: HashMap::from([(RUNTIME.to_owned(), false)]), ..State::default() }),
            changed: Notify::new(),
        })
    }

    /// Starts the process.
    pub(crate) fn spawn(self: &Arc<Self>, mut command: Command) -> std::io::Result<()> {
        self.lock().spawned_at = Some(Instant::now());
        let child = command.spawn()?;
        self.lock().process = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        tokio::spawn(Arc::clone(self).watch(child));
        Ok(())
    }

    /// Waits for the end of the process, which ends the environment and its invocation.
    async fn watch(self: Arc<Self>, mut child: Child) {
        let _ = child.wait().await;
        let mut state = self.lock();
        state.process = None;
        state.phase = Phase::Dead;
        for caller in state.answers.drain().filter_map(|(_, caller)| caller) {
            let _ = caller.send(Err(Rejected::Died));
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves the environment for an invocation. Returns false if it is not free.
    pub(crate) fn take(&self) -> bool {
        let mut state = self.lock();
        match (state.phase, self.managed) {
            (Phase::Frozen, _) => state.phase = Phase::Invoked,
            (Phase::Awake, Some(most)) if state.at_work < most => state.at_work += 1,
            _ => return false,
        }
        true
    }

    /// Sends an event. The receiver gets the response when it is posted.
    pub(crate) fn invoke(self: &Arc<Self>, event: Value) -> oneshot::Receiver<Result<Value, Rejected>> {
        let (caller, answer) = oneshot::channel();
        let request_id = uuid::Uuid::now_v7().to_string();
        let deadline_ms = (SystemTime::now() + self.timeout)
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let mut state = self.lock();
        if state.phase == Phase::Dead {
            let _ = caller.send(Err(Rejected::Died));
            return answer;
        }
        state.answers.insert(request_id.clone(), Some(caller));
        let delivery = Delivery { request_id: request_id.clone(), deadline_ms, event };
        if self.managed.is_some() {
            state.deliveries.push_back((RUNTIME.to_owned(), delivery));
            tokio::spawn(Arc::clone(self).answer_at_deadline(request_id));
        } else {
            state.invocations += 1;
            state.invoked_at = Some(Instant::now());
            let everybody: Vec<String> = state.waiting.keys().cloned().collect();
            for name in everybody {
                state.waiting.insert(name.clone(), false);
                state.deliveries.push_back((name, delivery.clone()));
            }
            state.signal(Signal::SIGCONT);
            tokio::spawn(Arc::clone(self).end_at_deadline(state.invocations));
        }
        drop(state);
        self.changed.notify_waiters();
        answer
    }

    async fn end_at_deadline(self: Arc<Self>, number: u64) {
        let ended = self.until(|state| state.phase != Phase::Invoked || state.invocations != number);
        if tokio::time::timeout(self.timeout, ended).await.is_err() {
            self.die();
        }
    }

    async fn answer_at_deadline(self: Arc<Self>, request_id: String) {
        let answered = self.until(|state| !state.answers.contains_key(&request_id));
        if tokio::time::timeout(self.timeout, answered).await.is_err()
            && let Some(caller) = self.lock().answers.get_mut(&request_id).and_then(Option::take)
        {
            let _ = caller.send(Err(Rejected::TimedOut));
        }
    }

    /// Kills the process, as the host may do at any time.
    pub fn die(&self) {
        self.lock().signal(Signal::SIGKILL);
    }

    /// Shuts the environment down: a process with an extension gets SIGTERM and a grace period, any other is killed.
    /// Returns when it has ended.
    pub async fn shut_down(&self, grace: Duration) {
        let ended = self.until(|state| state.phase == Phase::Dead);
        let has_extension = self.lock().waiting.len() > 1;
        if has_extension {
            let state = self.lock();
            state.signal(Signal::SIGTERM);
            state.signal(Signal::SIGCONT);
        }
        let grace = if has_extension { grace } else { Duration::ZERO };
        if tokio::time::timeout(grace, ended).await.is_err() {
            self.die();
            self.until(|state| state.phase == Phase::Dead).await;
        }
    }

    /// Waits until the process has this number of concurrent invocations.
    pub async fn has_at_once(&self, count: usize) {
        self.until(|state| state.answers.len() - state.deliveries.len() == count).await;
    }

    /// Waits until the environment is frozen.
    pub async fn frozen(&self) {
        self.until(|state| state.phase == Phase::Frozen).await;
    }

    /// Whether the environment is frozen.
    pub fn is_frozen(&self) -> bool {
        self.lock().phase == Phase::Frozen
    }

    /// Whether the process has ended.
    pub fn is_dead(&self) -> bool {
        self.lock().phase == Phase::Dead
    }

    /// Returns the process ID while the process is running.
    pub fn process_id(&self) -> Option<i32> {
        self.lock().process.map(Pid::as_raw)
    }

    /// Returns the time from the start of the process to the first request for an event.
    pub fn polled_after(&self) -> Option<Duration> {
        self.lock().polled_after
    }

    /// Returns the time from the start of the process to the first response.
    pub fn answered_after(&self) -> Option<Duration> {
        self.lock().answered_after
    }

    /// Returns the durations of all invocations including the time after the response, oldest first.
    pub fn billed(&self) -> Vec<Duration> {
        self.lock().billed.clone()
    }

    /// Waits until the environment is idle or dead.
    pub(crate) async fn ready(&self) {
        self.until(|state| match state.phase {
            Phase::Starting | Phase::Invoked => false,
            Phase::Awake => state.at_work == 0,
            Phase::Frozen | Phase::Dead => true,
        })
        .await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        self.find(|state| holds(state).then_some(())).await;
    }

    /// Waits until `find` returns a value.
    async fn find<T>(&self, find: impl Fn(&mut State) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = find(&mut self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    // Requests of the process.

    /// Registers an extension. Returns false after the runtime's first request for an event, and for unsupported events:
    /// internal extensions support only INVOKE, on managed instances none.
    pub(crate) fn register(&self, name: String, events: &Value) -> bool {
        let mut state = self.lock();
        let early = state.phase == Phase::Starting && !state.waiting[RUNTIME];
        let known = *events == json!([]) || self.managed.is_none() && *events == json!(["INVOKE"]);
        if early && known {
            state.waiting.insert(name, false);
        }
        early && known
    }

    /// Waits for the next event of the runtime or an extension. Returns `None` for an unknown name.
    pub(crate) async fn next(&self, name: &str) -> Option<Delivery> {
        {
            let mut state = self.lock();
            *state.waiting.get_mut(name)? = true;
            if name == RUNTIME && state.polled_after.is_none() {
                state.polled_after = state.since_spawned();
            }
            let all_wait = state.waiting.values().all(|waiting| *waiting);
            if all_wait && self.managed.is_some() && state.phase == Phase::Starting {
                state.phase = Phase::Awake;
            } else if all_wait && matches!(state.phase, Phase::Starting | Phase::Invoked) {
                if let Some(invoked_at) = state.invoked_at.take() {
                    state.billed.push(invoked_at.elapsed());
                }
                state.phase = Phase::Frozen;
                state.signal(Signal::SIGSTOP);
            }
        }
        self.changed.notify_waiters();
        let delivery = self.find(|state| {
            let first = state.deliveries.iter().position(|(to, _)| to == name)?;
            state.deliveries.remove(first).map(|(_, delivery)| delivery)
        });
        let delivery = delivery.await;
        self.changed.notify_waiters();
        Some(delivery)
    }

    /// Stores the response of the runtime. Returns false if the request is unknown.
    pub(crate) fn answer(&self, request_id: &str, answer: Result<Value, Rejected>) -> bool {
        let mut state = self.lock();
        let Some(caller) = state.answers.remove(request_id) else { return false };
        if state.answered_after.is_none() {
            state.answered_after = state.since_spawned();
        }
        state.at_work = state.at_work.saturating_sub(1);
        drop(state);
        self.changed.notify_waiters();
        if let Some(caller) = caller {
            let _ = caller.send(answer);
        }
        true
    }
}

impl State {
    fn since_spawned(&self) -> Option<Duration> {
        self.spawned_at.map(|spawned_at| spawned_at.elapsed())
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = self.process {
            // The process may have just ended, which `watch` detects.
            let _ = kill(process, signal);
        }
    }
}
