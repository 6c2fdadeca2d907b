//! Group commit of what came of deliveries: what ends while a commit is under way shares the next
//! one. Room is given back, watchers are told and callbacks exist only after the commit.

use std::time::Duration;

use sigpost_store::accept::NewMessage;
use sigpost_store::claim::Lease;
use sigpost_store::record::{Next, Outcome, Recorded, record, record_and_accept};
use sigpost_store::{Error, WakeUps};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::in_flight::Holding;
use super::{Engine, Room, StepKind, callbacks};

/// Outcomes in one commit at most.
const BATCH: usize = 256;
/// The pause after a failed commit, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where deliveries that have ended are put.
pub(super) struct Recorder(mpsc::UnboundedSender<Ended>);

/// A delivery that has ended and is to be recorded. What it holds is let go after the commit: until
/// then its lease is renewed and its room is taken, which also bounds how many can wait here.
pub(super) struct Ended {
    pub(super) lease: Box<Lease>,
    pub(super) outcome: Outcome,
    pub(super) room: Room,
    pub(super) holding: Holding,
}

impl Recorder {
    pub(super) fn channel() -> (Self, mpsc::UnboundedReceiver<Ended>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(super) fn record(&self, ended: Ended) {
        // The writer lives as long as the engine; without it the lease runs out and another takes over.
        let _ = self.0.send(ended);
    }
}

/// Records what ends, for as long as the engine lives. One commit at a time: meanwhile the next batch gathers.
pub(super) async fn record_all(engine: Engine, mut ended: mpsc::UnboundedReceiver<Ended>) {
    let mut gathered = Vec::with_capacity(BATCH);
    while ended.recv_many(&mut gathered, BATCH).await > 0 {
        record_batch(&engine, &mut gathered).await;
    }
}

/// Records the batch, which is empty then, until it succeeds: the deliveries have happened, and forgetting
/// them would repeat them.
async fn record_batch(engine: &Engine, batch: &mut Vec<Ended>) {
    let (outcomes, held): (Vec<Outcome>, Vec<_>) =
        batch.drain(..).map(|ended| (ended.outcome, (ended.lease, ended.room, ended.holding))).unzip();
    let leases: Vec<&Lease> = held.iter().map(|(lease, ..)| &**lease).collect();
    match commit_persistently(engine, &outcomes, &leases).await {
        Ok(recorded) => announce(engine, &outcomes, &leases, recorded),
        Err(error) => {
            tracing::error!(%error, "a batch of deliveries was refused, recording one by one");
            for (outcome, lease) in outcomes.iter().zip(leases) {
                record_alone(engine, outcome, lease).await;
            }
        }
    }
}

/// What Postgres refuses of a delivery is the answer's text, never its outcome: that is recorded without it.
async fn record_alone(engine: &Engine, outcome: &Outcome, lease: &Lease) {
    let bare = Outcome { response: None, error: None, ..outcome.clone() };
    for outcome in [outcome, &bare] {
        let (outcomes, leases) = (std::slice::from_ref(outcome), &[lease]);
        match commit_persistently(engine, outcomes, leases).await {
            Ok(recorded) => return announce(engine, outcomes, leases, recorded),
            Err(error) => tracing::error!(message.id = %outcome.id, %error, "the delivery was refused"),
        }
    }
}

/// Commits, as often as it takes while the database is away. An error says that it is there and refuses.
async fn commit_persistently(engine: &Engine, outcomes: &[Outcome], leases: &[&Lease]) -> Result<Recorded, Error> {
    let mut pause = FIRST_PAUSE;
    loop {
        match commit(engine, outcomes, leases).await {
            Err(error @ (Error::Unavailable(_) | Error::Busy(_))) => {
                tracing::warn!(%error, deliveries = outcomes.len(), "deliveries cannot be recorded yet");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return result,
        }
    }
}

/// One statement; with callbacks one transaction, so that a report exists exactly if what it reports was recorded.
async fn commit(engine: &Engine, outcomes: &[Outcome], leases: &[&Lease]) -> Result<Recorded, Error> {
    let mut conn = engine.0.database.connection().await?;
    if !leases.iter().any(|lease| callbacks::wants_reports(lease)) {
        return record(&mut conn, outcomes).await;
    }
    record_and_accept(&mut conn, outcomes, |recorded| {
        let reported = outcomes.iter().zip(leases).filter_map(|(outcome, lease)| {
            let dead_letter = *recorded.messages.get(&outcome.id)?;
            Some(callbacks::reports(lease, outcome, dead_letter, &engine.0.deduplicating))
        });
        reported.flatten().collect::<Vec<NewMessage>>()
    })
    .await
}

/// After the commit: wake-ups, counts and watchers.
fn announce(engine: &Engine, outcomes: &[Outcome], leases: &[&Lease], recorded: Recorded) {
    engine.wake(recorded.wake_ups);
    for (outcome, lease) in outcomes.iter().zip(leases) {
        if !recorded.messages.contains_key(&outcome.id) {
            tracing::info!(message.id = %outcome.id, "the lease was lost before the delivery was recorded");
            // Or it was recorded by a commit whose response was lost, with the wake-ups.
            engine.wake(WakeUps::due_now().and(WakeUps::at_limits(lease.message.slots())));
            engine.0.counts.lease_lost();
            engine.step(outcome.id, StepKind::LeaseLost);
            continue;
        }
        engine.0.counts.recorded(outcome.next);
        let kind = match outcome.next {
            Next::Delivered => StepKind::Delivered,
            Next::Retry(_) => StepKind::Retried,
            Next::Failed => StepKind::Failed,
            Next::GivenBack => StepKind::GivenBack,
        };
        engine.step(outcome.id, kind);
    }
}
