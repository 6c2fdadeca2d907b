//! Group commit of the outcomes of deliveries: what ends while a commit is under way shares the next
//! one. Room is given back, watchers are told and callbacks exist only after the commit.
//!
//! An outcome is kept until it is recorded or its lease is lost: to drop it would deliver the message once more. While
//! outcomes are kept their room is taken, so at most `MAX_IN_FLIGHT` of them are, and then nothing more is claimed.

mod alone;

use std::sync::Arc;
use std::time::Duration;

use sigpost_store::accept::NewMessage;
use sigpost_store::claim::Lease;
use sigpost_store::fit::how_many_fit;
use sigpost_store::record::{Next, Outcome, Recorded, record, record_and_accept};
use sigpost_store::{Error, WakeUps};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::in_flight::Holding;
use super::{Engine, Room, StepKind, callbacks};

/// Outcomes in one commit at most.
const BATCH: usize = 256;
/// Bytes of their responses and reports, unless there is one outcome: a statement is in memory several times while it is
/// sent.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Commits begin this far apart while many deliveries end, unless a batch of [`WORTH_A_COMMIT`] is complete before. A statement
/// for ten outcomes costs Postgres half as much as one for a hundred.
const PACE: Duration = Duration::from_millis(4);
const WORTH_A_COMMIT: usize = 128;
/// The pause after a failed commit, doubled up to [`LONGEST_PAUSE`]: short, for others may claim what they find expired.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
/// Commits of a batch that may be interrupted before its outcomes are recorded one by one.
const INTERRUPTED: u32 = 3;

/// Where deliveries that have ended are put.
pub(super) struct Recorder(mpsc::UnboundedSender<Ended>);

/// A delivery that has ended and is to be recorded. What it holds is let go after the commit: until
/// then its lease is renewed and its room is taken.
pub(super) struct Ended {
    pub(super) lease: Arc<Lease>,
    pub(super) outcome: Outcome,
    pub(super) _room: Room,
    pub(super) holding: Holding,
}

impl Ended {
    /// Whether something else starts when it is recorded.
    fn is_urgent(&self) -> bool {
        self.outcome.has_slots || callbacks::wants_reports(&self.lease)
    }

    /// What it takes in a statement.
    fn size(&self) -> usize {
        let response = self.outcome.response.as_ref();
        let of_response = response.map_or(0, |response| response.body.len() + response.header.size_bytes());
        of_response + callbacks::size(&self.lease, &self.outcome, of_response)
    }
}

/// An outcome as it is written.
struct Entry<'a> {
    lease: &'a Lease,
    /// As it is stored: without parts of the response that Postgres rejects.
    stored: &'a Outcome,
    /// As callbacks report it.
    reported: &'a Outcome,
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
    let (alone, to_record_alone) = mpsc::unbounded_channel();
    tokio::spawn(alone::record_alone(engine.clone(), to_record_alone));
    let mut gathered = Vec::with_capacity(BATCH);
    let mut next_commit = Instant::now();
    while !gathered.is_empty() || ended.recv_many(&mut gathered, BATCH).await > 0 {
        gather_until(next_commit, &mut ended, &mut gathered).await;
        next_commit = Instant::now() + PACE;
        let batch = how_many_fit(gathered.iter().map(Ended::size), BATCH_BYTES);
        let is_recorded = record_batch(&engine, &gathered[..batch]).await;
        engine.0.outcomes_first.send_if_modified(|first| std::mem::replace(first, false));
        let ended = gathered.drain(..batch);
        if !is_recorded {
            // One of them may fail whenever it is recorded, and must not keep the others from it.
            ended.for_each(|ended| drop(alone.send(ended)));
        }
    }
}

/// Gathers outcomes until this time, or until they are worth a commit. Not when another message may start at a limit after
/// one of them, or a report is to be delivered.
async fn gather_until(time: Instant, ended: &mut mpsc::UnboundedReceiver<Ended>, gathered: &mut Vec<Ended>) {
    let mut seen = 0;
    loop {
        let is_urgent = gathered[seen..].iter().any(Ended::is_urgent);
        seen = gathered.len();
        if is_urgent || seen >= WORTH_A_COMMIT {
            return;
        }
        match timeout_at(time, ended.recv_many(gathered, BATCH - seen)).await {
            Ok(more) if more > 0 => {}
            _ => return,
        }
    }
}

/// Records the batch, however long the database is unavailable. Whether it could be recorded as a whole.
async fn record_batch(engine: &Engine, batch: &[Ended]) -> bool {
    let entries: Vec<Entry<'_>> = batch
        .iter()
        .map(|ended| Entry { lease: &ended.lease, stored: &ended.outcome, reported: &ended.outcome })
        .collect();
    let mut pause = FIRST_PAUSE;
    let mut interrupted = 0;
    loop {
        let error = match commit(engine, &entries).await {
            Ok(recorded) => {
                announce(engine, &entries, recorded);
                return true;
            }
            Err(error) => error,
        };
        tracing::warn!(%error, deliveries = entries.len(), "outcomes cannot be recorded yet");
        engine.saw(&error);
        match error {
            Error::Unavailable(_) => drop(engine.0.outcomes_first.send_replace(true)),
            Error::Busy(_) if interrupted < INTERRUPTED => interrupted += 1,
            _ => return false,
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One statement; with callbacks one transaction, so that a report exists exactly if what it reports was recorded.
async fn commit(engine: &Engine, entries: &[Entry<'_>]) -> Result<Recorded, Error> {
    let mut conn = engine.0.database.connection().await?;
    let outcomes: Vec<&Outcome> = entries.iter().map(|entry| entry.stored).collect();
    if !entries.iter().any(|entry| callbacks::wants_reports(entry.lease)) {
        return record(&mut conn, &outcomes).await;
    }
    let recorded = record_and_accept(&mut conn, &outcomes, |recorded| {
        let reported = entries.iter().filter_map(|entry| {
            let dead_letter = *recorded.messages.get(&entry.stored.id)?;
            Some(callbacks::reports(entry.lease, entry.reported, dead_letter, &engine.0.deduplicating))
        });
        reported.flatten().collect::<Vec<NewMessage>>()
    })
    .await;
    conn.done_with(entries.iter().map(|entry| entry.lease.message.body.len()).sum());
    recorded
}

/// After the commit: wake-ups, counts and watchers.
fn announce(engine: &Engine, entries: &[Entry<'_>], recorded: Recorded) {
    engine.wake(recorded.wake_ups);
    for Entry { lease, stored: outcome, .. } in entries {
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
            Next::GivenBack(_) => StepKind::GivenBack,
        };
        engine.step(outcome.id, kind);
    }
}
