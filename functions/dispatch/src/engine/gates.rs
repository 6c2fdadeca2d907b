//! Which gates to look at, and the admission of those who wait there.
//!
//! Whoever opens a gate in this process names it: an accept, a claim, a recorded end. What other
//! processes opened and did not live to look at is found by a sweep over all gates, once per lease
//! while anybody waits; a sweep is also due when a period of a flow-control key ends.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sigpost_store::accept::LeaseTerms;
use sigpost_store::claim::Claimed;
use sigpost_store::gates::{admit, of_flow_control_key, of_queue, open_gates};
use sigpost_store::messages::Message;
use sigpost_store::record::Next;
use sigpost_store::wake::Glance;
use sigpost_store::{Connection, Error};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::drain::room_for_a_batch;
use super::{Awake, Engine};

/// Gates in one admission at most: all of them are locked until its end.
const BATCH: usize = 64;
/// When to look again at a gate on which somebody else works at this moment.
const CONTENDED: Duration = Duration::from_millis(10);
/// How long somebody waits for an admission: without room in flight there is none.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is to be looked at.
#[derive(Default)]
pub(super) struct Gates(Mutex<ToLookAt>);

#[derive(Default)]
struct ToLookAt {
    named: BTreeSet<String>,
    /// On these somebody else worked: not at once again, but whenever there is a look.
    contended: BTreeSet<String>,
    sweep_at: Option<Instant>,
}

impl Gates {
    fn lock(&self) -> MutexGuard<'_, ToLookAt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, gates: impl IntoIterator<Item = String>) {
        self.lock().named.extend(gates);
    }

    fn take_named(&self) -> Vec<String> {
        let mut to_look_at = self.lock();
        let mut named = std::mem::take(&mut to_look_at.named);
        named.append(&mut to_look_at.contended);
        named.into_iter().collect()
    }

    /// Whether a sweep is due; then the next one is not, until it is asked for.
    fn take_sweep(&self) -> bool {
        let mut to_look_at = self.lock();
        let due = to_look_at.sweep_at.is_none_or(|at| at <= Instant::now());
        if due {
            to_look_at.sweep_at = Some(Instant::now() + Duration::from_secs(3600));
        }
        due
    }
}

/// The gates that the end of a delivery opens: of its keys every end, of its queue the final one.
pub(super) fn opened_by(message: &Message, next: Next) -> impl Iterator<Item = String> {
    let extras = &message.extras;
    let ended = matches!(next, Next::Delivered | Next::Failed);
    let queues = [&extras.queue_name, &extras.keeps_waiting].into_iter().flatten().filter(move |_| ended);
    queues.map(|name| of_queue(name)).chain(extras.flow_control.iter().map(|control| of_flow_control_key(&control.key)))
}

impl Engine {
    /// Has these gates looked at, and nothing else: in a busy queue that happens with every message.
    pub(crate) fn look_at_gates(&self, gates: impl IntoIterator<Item = String>) {
        let mut gates = gates.into_iter().peekable();
        if gates.peek().is_some() {
            self.0.gates.name(gates);
            self.0.earlier.notify_one();
        }
    }

    /// Has everything looked at: what is due, and every gate at which somebody waits.
    pub(crate) fn look_at_everything(&self) {
        self.0.gates.lock().sweep_at = None;
        self.look_in(Duration::ZERO);
    }

    /// Admits those who wait at this gate. Once it returns, what could start has started, unless that
    /// takes longer than [`PATIENCE`].
    ///
    /// Not by naming the gate: the loop could take the name, and would not have admitted anybody yet
    /// when this returns. Who asks for the same gate at the same moment waits for its lock.
    pub(crate) async fn admit_now(&self, gate: String) {
        let engine = self.clone();
        // Not in the task of the caller, who may hang up: what was leased must be pushed.
        let admitting = self.0.loops.spawn(async move { engine.admit_at(&[gate]).await });
        // What failed, and what others worked on, is found by a sweep.
        let _ = timeout(PATIENCE, admitting).await;
        self.look_at_everything();
    }

    /// Admits those who wait at the gates that were named since the last time. Asks nothing when none was.
    pub(super) async fn admit_at_named_gates(&self) -> Result<(), Error> {
        let gates = self.0.gates.take_named();
        let mut contended = BTreeSet::new();
        for gates in gates.chunks(BATCH) {
            // What is not admitted because of an error is found by a sweep.
            contended.extend(self.admit_at(gates).await.inspect_err(|_| self.0.gates.lock().sweep_at = None)?);
        }
        if !contended.is_empty() {
            self.0.gates.lock().contended.extend(contended);
            self.look_in(CONTENDED);
        }
        Ok(())
    }

    async fn admit_at(&self, gates: &[String]) -> Result<BTreeSet<String>, Error> {
        let inner = &self.0;
        let mut contended = BTreeSet::new();
        loop {
            let Some(room) = room_for_a_batch(self).await else { return Ok(contended) };
            let terms = LeaseTerms { token: Uuid::now_v7(), length: inner.settings.lease };
            let wanted = room.num_permits();
            let Claimed { leases, waiting_at, next_due_in } =
                admit(&mut *inner.database.connection().await?, gates, terms, wanted).await?;
            let all = leases.len() < wanted;
            contended.extend(waiting_at);
            next_due_in.into_iter().for_each(|due_in| self.look_in(due_in));
            self.push_all(leases, room);
            if all {
                return Ok(contended);
            }
        }
    }

    /// Names all gates that look open, if it is time for that. Returns how long until it is again.
    pub(super) async fn sweep_gates(&self, conn: &mut Connection, seen: &Glance) -> Result<Option<Duration>, Error> {
        if !seen.anybody_waits {
            return Ok(None);
        }
        if self.0.gates.take_sweep() {
            let open = open_gates(conn).await.inspect_err(|_| self.0.gates.lock().sweep_at = None)?;
            self.0.gates.name(open);
        }
        let next = match self.0.settings.awake {
            Awake::Always => seen.next_period_in.unwrap_or(Duration::MAX).min(self.0.settings.lease),
            // Who waits at a closed gate keeps nobody awake: every tick sweeps.
            Awake::InVisits => seen.next_period_in.unwrap_or(self.0.settings.poll),
        };
        let mut to_look_at = self.0.gates.lock();
        let at = Instant::now() + next;
        to_look_at.sweep_at = Some(to_look_at.sweep_at.map_or(at, |earlier| earlier.min(at)));
        Ok(Some(next))
    }

    /// Whether gates were named that have not been looked at.
    pub(super) fn gates_are_named(&self) -> bool {
        !self.0.gates.lock().named.is_empty()
    }
}
