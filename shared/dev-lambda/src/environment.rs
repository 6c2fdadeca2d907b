//! One execution environment: a process, and who of it waits for the next event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::process::Child;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::api;
use crate::function::{Definition, Refused};

/// An environment of a function.
pub struct Environment {
    pub(crate) timeout: Duration,
    state: Mutex<State>,
    /// Rings at every change.
    changed: Notify,
}

#[derive(Default)]
struct State {
    process: Option<Pid>,
    phase: Phase,
    /// Those who take part, and whether they have asked for the next event. The runtime's name is empty.
    waiting: HashMap<String, bool>,
    /// What each of them gets next.
    deliveries: HashMap<String, Delivery>,
    answer: Option<(String, oneshot::Sender<Result<Value, Refused>>)>,
    spawned_at: Option<Instant>,
    /// From the start of the process to the runtime's first question for an event, and to its first answer.
    polled_after: Option<Duration>,
    answered_after: Option<Duration>,
    invoked_at: Option<Instant>,
    invocations: u64,
    /// How long each invocation lasted, from its event to the moment when all had asked for the next one.
    billed: Vec<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Starting,
    /// Frozen, until the next event.
    Frozen,
    Invoked,
    Dead,
}

/// An event on its way to the runtime or to an extension.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) request_id: String,
    pub(crate) deadline_ms: u128,
    pub(crate) event: Value,
}

/// The runtime's name among those who wait.
pub(crate) const RUNTIME: &str = "";

impl Environment {
    /// Starts a process. It is frozen as soon as it is ready.
    pub(crate) async fn start(definition: &Definition) -> std::io::Result<Arc<Self>> {
        let environment = Arc::new(Self {
            timeout: definition.timeout,
            state: Mutex::new(State { waiting: HashMap::from([(RUNTIME.to_owned(), false)]), ..State::default() }),
            changed: Notify::new(),
        });
        let address = api::serve(Arc::clone(&environment)).await?;
        environment.lock().spawned_at = Some(Instant::now());
        let child = definition.command(address).spawn()?;
        environment.lock().process = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        tokio::spawn(Arc::clone(&environment).watch(child));
        Ok(environment)
    }

    /// The end of the process is the end of the environment, and of the invocation it may have.
    async fn watch(self: Arc<Self>, mut child: Child) {
        let _ = child.wait().await;
        let mut state = self.lock();
        state.process = None;
        state.phase = Phase::Dead;
        if let Some((_, caller)) = state.answer.take() {
            let _ = caller.send(Err(Refused::Died));
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an environment that is free for an invocation; false when it is not.
    pub(crate) fn take(&self) -> bool {
        let mut state = self.lock();
        let free = state.phase == Phase::Frozen;
        if free {
            state.phase = Phase::Invoked;
        }
        free
    }

    /// Gives it its event. The receiver has the answer as soon as it is posted.
    pub(crate) fn invoke(self: &Arc<Self>, event: Value) -> oneshot::Receiver<Result<Value, Refused>> {
        let (caller, answer) = oneshot::channel();
        let request_id = uuid::Uuid::now_v7().to_string();
        let deadline_ms = (SystemTime::now() + self.timeout)
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let mut state = self.lock();
        if state.phase == Phase::Dead {
            let _ = caller.send(Err(Refused::Died));
            return answer;
        }
        state.phase = Phase::Invoked;
        state.invocations += 1;
        let number = state.invocations;
        state.invoked_at = Some(Instant::now());
        state.answer = Some((request_id.clone(), caller));
        let delivery = Delivery { request_id, deadline_ms, event };
        let everybody: Vec<String> = state.waiting.keys().cloned().collect();
        for name in everybody {
            state.waiting.insert(name.clone(), false);
            state.deliveries.insert(name, delivery.clone());
        }
        state.signal(Signal::SIGCONT);
        drop(state);
        self.changed.notify_waiters();
        tokio::spawn(Arc::clone(self).end_at_deadline(number));
        answer
    }

    async fn end_at_deadline(self: Arc<Self>, number: u64) {
        let ended = self.until(|state| state.phase != Phase::Invoked || state.invocations != number);
        if tokio::time::timeout(self.timeout, ended).await.is_err() {
            self.die();
        }
    }

    /// Kills the process, as the host of an environment may at any time.
    pub fn die(&self) {
        self.lock().signal(Signal::SIGKILL);
    }

    /// Waits until it is frozen: everybody has asked for the next event.
    pub async fn frozen(&self) {
        self.until(|state| state.phase == Phase::Frozen).await;
    }

    /// Whether it is frozen.
    pub fn is_frozen(&self) -> bool {
        self.lock().phase == Phase::Frozen
    }

    /// Whether its process has ended.
    pub fn is_dead(&self) -> bool {
        self.lock().phase == Phase::Dead
    }

    /// The id of its process while it lives.
    pub fn process_id(&self) -> Option<i32> {
        self.lock().process.map(Pid::as_raw)
    }

    /// How long its process took from its start until the runtime asked for an event, once it has.
    pub fn polled_after(&self) -> Option<Duration> {
        self.lock().polled_after
    }

    /// How long it took from the start of its process until the first answer, once there is one.
    pub fn answered_after(&self) -> Option<Duration> {
        self.lock().answered_after
    }

    /// How long each of its invocations lasted, the time after the answer included, oldest first.
    pub fn billed(&self) -> Vec<Duration> {
        self.lock().billed.clone()
    }

    /// Waits until it has had its first event, or cannot have one.
    pub(crate) async fn ready(&self) {
        self.until(|state| matches!(state.phase, Phase::Frozen | Phase::Dead)).await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if holds(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    // What the process asks for.

    /// An extension registers. False after the runtime has asked for its first event.
    pub(crate) fn register(&self, name: String) -> bool {
        let mut state = self.lock();
        let early = state.phase == Phase::Starting && !state.waiting[RUNTIME];
        if early {
            state.waiting.insert(name, false);
        }
        early
    }

    /// Somebody asks for the next event. `None` for who is not known.
    pub(crate) async fn next(&self, name: &str) -> Option<Delivery> {
        {
            let mut state = self.lock();
            *state.waiting.get_mut(name)? = true;
            if name == RUNTIME && state.polled_after.is_none() {
                state.polled_after = state.since_spawned();
            }
            if matches!(state.phase, Phase::Starting | Phase::Invoked) && state.waiting.values().all(|waiting| *waiting)
            {
                if let Some(invoked_at) = state.invoked_at.take() {
                    state.billed.push(invoked_at.elapsed());
                }
                state.phase = Phase::Frozen;
                state.signal(Signal::SIGSTOP);
            }
        }
        self.changed.notify_waiters();
        self.until(|state| state.deliveries.contains_key(name)).await;
        self.lock().deliveries.remove(name)
    }

    /// The runtime answers. False when nobody waits for it.
    pub(crate) fn answer(&self, request_id: &str, answer: Result<Value, Refused>) -> bool {
        let mut state = self.lock();
        let Some((_, caller)) = state.answer.take_if(|(id, _)| id == request_id) else { return false };
        if state.answered_after.is_none() {
            state.answered_after = state.since_spawned();
        }
        let _ = caller.send(answer);
        true
    }
}

impl State {
    fn since_spawned(&self) -> Option<Duration> {
        self.spawned_at.map(|spawned_at| spawned_at.elapsed())
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = self.process {
            // It may have ended at this moment, which `watch` notices.
            let _ = kill(process, signal);
        }
    }
}
