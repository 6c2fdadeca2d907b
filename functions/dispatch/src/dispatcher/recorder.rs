//! Group commit of outcomes: deliveries that end during a commit share the next one. Room is released, watchers are
//! notified and callbacks exist only after the commit.
//!
//! An outcome is kept until it is recorded or its lease is lost, because otherwise the message is delivered again. Kept
//! outcomes hold their room, so there are at most `MAX_IN_FLIGHT` of them, and then nothing more is claimed.

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
use super::{Dispatcher, Room, StepKind, callbacks};

/// Maximum number of outcomes in one commit.
const BATCH: usize = 256;
/// Maximum size of their responses and reports in bytes, except for a single outcome: a statement is in memory several
/// times while it is sent.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Minimum interval between the starts of commits, unless [`WORTH_A_COMMIT`] outcomes are complete earlier. A statement for
/// 10 outcomes costs Postgres half as much as one for 100.
const PACE: Duration = Duration::from_millis(4);
const WORTH_A_COMMIT: usize = 128;
/// The pause after a failed commit, doubled up to [`LONGEST_PAUSE`]. Short, because other dispatchers claim expired leases.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
/// Maximum number of interrupted commits of a batch before its outcomes are recorded one by one.
const INTERRUPTED: u32 = 3;

/// The queue of ended deliveries.
pub(super) struct Recorder(mpsc::UnboundedSender<Ended>);

/// An ended delivery that waits to be recorded. Until the commit, its lease is renewed and its room is held.
pub(super) struct Ended {
    pub(super) lease: Arc<Lease>,
    pub(super) outcome: Outcome,
    pub(super) _room: Room,
    pub(super) holding: Holding,
}

impl Ended {
    /// Whether recording it lets another message start.
    fn is_urgent(&self) -> bool {
        self.outcome.has_slots || callbacks::wants_reports(&self.lease)
    }

    /// Returns its size in a statement in bytes.
    fn size(&self) -> usize {
        let response = self.outcome.response.as_ref();
        let of_response = response.map_or(0, |response| response.body.len() + response.header.size_bytes());
        of_response + callbacks::size(&self.lease, &self.outcome, of_response)
    }
}

/// An outcome as it is written.
struct Entry<'a> {
    lease: &'a Lease,
    /// The stored outcome: without parts of the response that Postgres rejects.
    stored: &'a Outcome,
    /// The outcome that callbacks report.
    reported: &'a Outcome,
}

impl Recorder {
    pub(super) fn channel() -> (Self, mpsc::UnboundedReceiver<Ended>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(super) fn record(&self, ended: Ended) {
        // The loop runs as long as the dispatcher. Otherwise the lease expires and another dispatcher takes over.
        let _ = self.0.send(ended);
    }
}

/// Records ended deliveries as long as the dispatcher runs. During a commit the next batch gathers.
pub(super) async fn record_all(dispatcher: Dispatcher, mut ended: mpsc::UnboundedReceiver<Ended>) {
    let (alone, to_record_alone) = mpsc::unbounded_channel();
    tokio::spawn(alone::record_alone(dispatcher.clone(), to_record_alone));
    let mut gathered = Vec::with_capacity(BATCH);
    let mut next_commit = Instant::now();
    while !gathered.is_empty() || ended.recv_many(&mut gathered, BATCH).await > 0 {
        gather_until(next_commit, &dispatcher, &mut ended, &mut gathered).await;
        next_commit = Instant::now() + PACE;
        let batch = how_many_fit(gathered.iter().map(Ended::size), BATCH_BYTES);
        let is_recorded = record_batch(&dispatcher, &gathered[..batch]).await;
        dispatcher.0.outcomes_first.send_if_modified(|first| std::mem::replace(first, false));
        let ended = gathered.drain(..batch);
        if !is_recorded {
            // One of them may always fail, and must not block the others.
            ended.for_each(|ended| drop(alone.send(ended)));
        }
    }
}

/// Gathers outcomes until this time or [`WORTH_A_COMMIT`]. Returns immediately if one is urgent: it frees a slot of a limit
/// or has a report. Also if messages in flight take all the room: then the next claim waits for this commit.
async fn gather_until(
    time: Instant,
    dispatcher: &Dispatcher,
    ended: &mut mpsc::UnboundedReceiver<Ended>,
    gathered: &mut Vec<Ended>,
) {
    let mut seen = 0;
    loop {
        let is_urgent = gathered[seen..].iter().any(Ended::is_urgent);
        seen = gathered.len();
        if is_urgent || seen >= WORTH_A_COMMIT || dispatcher.is_bound_by_room() {
            return;
        }
        match timeout_at(time, ended.recv_many(gathered, BATCH - seen)).await {
            Ok(more) if more > 0 => {}
            _ => return,
        }
    }
}

/// Records the batch, and retries while the database is unavailable. Returns whether it was recorded as a whole.
async fn record_batch(dispatcher: &Dispatcher, batch: &[Ended]) -> bool {
    let entries: Vec<Entry<'_>> = batch
        .iter()
        .map(|ended| Entry { lease: &ended.lease, stored: &ended.outcome, reported: &ended.outcome })
        .collect();
    let mut pause = FIRST_PAUSE;
    let mut interrupted = 0;
    loop {
        let error = match commit(dispatcher, &entries).await {
            Ok(recorded) => {
                announce(dispatcher, &entries, recorded);
                return true;
            }
            Err(error) => error,
        };
        tracing::warn!(%error, deliveries = entries.len(), "recording outcomes failed, will be retried");
        dispatcher.saw(&error);
        match error {
            Error::Unavailable(_) => drop(dispatcher.0.outcomes_first.send_replace(true)),
            Error::Busy(_) if interrupted < INTERRUPTED => interrupted += 1,
            _ => return false,
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Commits outcomes in one statement; with callbacks in one transaction, so that a report exists only if its outcome was
/// recorded.
async fn commit(dispatcher: &Dispatcher, entries: &[Entry<'_>]) -> Result<Recorded, Error> {
    let mut conn = dispatcher.0.database.connection().await?;
    let outcomes: Vec<&Outcome> = entries.iter().map(|entry| entry.stored).collect();
    if !entries.iter().any(|entry| callbacks::wants_reports(entry.lease)) {
        return record(&mut conn, &outcomes).await;
    }
    let recorded = record_and_accept(&mut conn, &outcomes, |recorded| {
        let reported = entries.iter().filter_map(|entry| {
            let dead_letter = *recorded.messages.get(&entry.stored.id)?;
            Some(callbacks::reports(entry.lease, entry.reported, dead_letter, &dispatcher.0.deduplicating))
        });
        reported.flatten().collect::<Vec<NewMessage>>()
    })
    .await;
    conn.done_with(entries.iter().map(|entry| entry.lease.message.body.len()).sum());
    recorded
}

/// After the commit, sets wake-ups, counts and notifies watchers.
fn announce(dispatcher: &Dispatcher, entries: &[Entry<'_>], recorded: Recorded) {
    dispatcher.wake(recorded.wake_ups);
    for Entry { lease, stored: outcome, .. } in entries {
        if !recorded.messages.contains_key(&outcome.id) {
            tracing::info!(message.id = %outcome.id, "the lease was lost before the delivery was recorded");
            // Or it was recorded by a commit whose response was lost, with the wake-ups.
            dispatcher.wake(WakeUps::due_now().and(WakeUps::at_limits(lease.message.slots())));
            dispatcher.0.counts.lease_lost();
            dispatcher.step(outcome.id, StepKind::LeaseLost);
            continue;
        }
        dispatcher.0.counts.recorded(outcome.next);
        let kind = match outcome.next {
            Next::Delivered => StepKind::Delivered,
            Next::Retry(_) => StepKind::Retried,
            Next::Failed => StepKind::Failed,
            Next::GivenBack(_) => StepKind::GivenBack,
        };
        dispatcher.step(outcome.id, kind);
    }
}
