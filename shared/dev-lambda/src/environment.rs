//! One execution environment: a process, and who of it waits for the next event.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::process::Child;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::api;
use crate::function::{Definition, Refused};

/// An environment of a function.
pub struct Environment {
    pub(crate) timeout: Duration,
    /// On managed instances: invocations at once at most.
    managed: Option<usize>,
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
    /// What they get next, by the name of who gets it.
    deliveries: VecDeque<(String, Delivery)>,
    /// Who waits for the answers to what is under way, by the id of the request. Nobody any more where time is over.
    answers: HashMap<String, Option<oneshot::Sender<Result<Value, Refused>>>>,
    /// On managed instances: how many invocations it has.
    at_work: usize,
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
    /// On managed instances from the start on, whatever it has to do.
    Awake,
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
            managed: definition.managed,
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
        for caller in state.answers.drain().filter_map(|(_, caller)| caller) {
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
        match (state.phase, self.managed) {
            (Phase::Frozen, _) => state.phase = Phase::Invoked,
            (Phase::Awake, Some(most)) if state.at_work < most => state.at_work += 1,
            _ => return false,
        }
        true
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
            let _ = caller.send(Err(Refused::TimedOut));
        }
    }

    /// Kills the process, as the host of an environment may at any time.
    pub fn die(&self) {
        self.lock().signal(Signal::SIGKILL);
    }

    /// Takes it down in order: a process with an extension is asked to end and has so long for it, any other
    /// is killed. Returns when it has ended.
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

    /// Waits until so many invocations are with its process at once.
    pub async fn has_at_once(&self, count: usize) {
        self.until(|state| state.answers.len() - state.deliveries.len() == count).await;
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

    /// Waits until it has nothing to do and can have an event, or cannot have one any more.
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

    /// Waits until there is something to be found.
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

    // What the process asks for.

    /// An extension registers. False after the runtime has asked for its first event, and for events that
    /// there are not: a part of the runtime's process has INVOKE only, on managed instances none.
    pub(crate) fn register(&self, name: String, events: &Value) -> bool {
        let mut state = self.lock();
        let early = state.phase == Phase::Starting && !state.waiting[RUNTIME];
        let known = *events == json!([]) || self.managed.is_none() && *events == json!(["INVOKE"]);
        if early && known {
            state.waiting.insert(name, false);
        }
        early && known
    }

    /// Somebody asks for the next event. `None` for who is not known.
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

    /// The runtime answers. False when there is no such request.
    pub(crate) fn answer(&self, request_id: &str, answer: Result<Value, Refused>) -> bool {
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
            // It may have ended at this moment, which `watch` notices.
            let _ = kill(process, signal);
        }
    }
}
