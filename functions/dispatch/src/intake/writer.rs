//! The writer of the intake: commits waiting messages in batches limited by number and bytes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sigpost_qstash::Start;
use sigpost_store::accept::{Accepted, Arrival, LeaseTerms, NewMessage, accept, accept_new};
use sigpost_store::claim::Lease;
use sigpost_store::fit::how_many_fit;
use sigpost_store::{Database, Error};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::sleep;
use uuid::Uuid;

use super::{Publisher, Waiting};
use crate::dispatcher::{Dispatcher, NOTICE_INTERVAL, Room};

/// Maximum number of messages in one commit. Larger commits take long and save little.
const BATCH: usize = 256;
/// Maximum size in bytes of bodies, headers and URLs in one commit, except for a single message. A statement is in memory
/// several times while it is sent, and Postgres limits it to 1 GB.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// How often and for how long a commit is repeated on other connections, also after a statement without a response.
const REPEATS: u32 = 4;
const REPEATED_FOR: Duration = Duration::from_millis(4200);
/// The pause before each repetition.
const PAUSE: Duration = Duration::from_millis(20);

/// Commits messages batch by batch. Clones share the time of the last notification.
#[derive(Clone)]
pub(super) struct Writer {
    database: Database,
    dispatcher: Option<Dispatcher>,
    last_notice: Arc<Mutex<Option<Instant>>>,
}

impl Writer {
    pub(super) fn new(database: Database, dispatcher: Option<Dispatcher>) -> Self {
        Self { database, dispatcher, last_notice: Arc::default() }
    }

    pub(super) async fn run(mut self, mut receiver: mpsc::Receiver<Waiting>) {
        let mut gathered = Vec::with_capacity(BATCH);
        while !gathered.is_empty() || receiver.recv_many(&mut gathered, BATCH).await > 0 {
            // Requests that can be read now join this commit: a statement for 16 messages costs Postgres twice as much for
            // each as one for 64.
            yield_now().await;
            while gathered.len() < BATCH
                && let Ok(waiting) = receiver.try_recv()
            {
                gathered.push(waiting);
            }
            let batch = how_many_fit(gathered.iter().map(|waiting| waiting.new.size_bytes()), BATCH_BYTES);
            let (arrivals, publishers): (Vec<_>, Vec<_>) = gathered
                .drain(..batch)
                .filter(|waiting| !waiting.publisher.reply.is_closed())
                .map(|waiting| (waiting.new, waiting.publisher))
                .unzip();
            if !arrivals.is_empty() {
                self.store(arrivals, publishers).await;
            }
        }
    }

    async fn store(&mut self, batch: Vec<NewMessage>, publishers: Vec<Publisher>) {
        // Messages that are due and find room are leased to this process when they are stored, and delivered after the
        // commit.
        let mut rooms = Vec::with_capacity(batch.len());
        let arrivals: Vec<Arrival> = batch
            .into_iter()
            .map(|new| {
                let goes_at_once = new.start == Start::Now && !new.message.has_gates();
                let dispatcher = self.dispatcher.as_ref().filter(|_| goes_at_once);
                let room = dispatcher.and_then(|dispatcher| dispatcher.try_room(&new.message));
                let leased = room.is_some();
                rooms.push(room);
                Arrival { new, leased }
            })
            .collect();
        let terms = LeaseTerms {
            token: Uuid::now_v7(),
            length: self.dispatcher.as_ref().map_or(Duration::ZERO, Dispatcher::lease_length),
        };

        let asked = Instant::now();
        match self.write(&arrivals, terms).await {
            Ok(accepted) => {
                for (publisher, duplicate_of) in publishers.into_iter().zip(&accepted.duplicate_of) {
                    let _ = publisher.reply.send(Ok(*duplicate_of));
                }
                self.hand_over(arrivals, rooms, accepted, terms, asked);
            }
            // A message that Postgres rejects, or that must wait for a lock, must not fail the others of the batch.
            Err(Error::Rejected(_) | Error::Busy(_)) if arrivals.len() > 1 => {
                drop(rooms);
                let waiting = arrivals.into_iter().zip(publishers);
                for (arrival, publisher) in waiting.filter(|(_, publisher)| !publisher.reply.is_closed()) {
                    Box::pin(self.store(vec![arrival.new], vec![publisher])).await;
                }
            }
            Err(error) => {
                // The limits of the batch may have been changed before the statement that failed.
                if let Some(dispatcher) = self.dispatcher.as_ref().filter(|_| arrivals.iter().any(Arrival::has_limits))
                {
                    dispatcher.wake_everything();
                }
                for publisher in publishers {
                    let _ = publisher.reply.send(Err(error.for_another()));
                }
            }
        }
    }

    /// Writes the batch, and repeats that on another connection if one is broken. The repetition has the same IDs and
    /// lease, so it has no effect if the first attempt was committed.
    async fn write(&self, arrivals: &[Arrival], terms: LeaseTerms) -> Result<Accepted, Error> {
        let notify = self.notice_is_due();
        let began = Instant::now();
        let mut written = self.write_once(arrivals, terms, notify, true).await;
        for _ in 0..REPEATS {
            if !matches!(written, Err(Error::Unavailable(_))) || began.elapsed() > REPEATED_FOR {
                break;
            }
            sleep(PAUSE).await;
            written = self.write_once(arrivals, terms, notify, false).await;
        }
        written
    }

    async fn write_once(
        &self,
        arrivals: &[Arrival],
        terms: LeaseTerms,
        notify: bool,
        are_new: bool,
    ) -> Result<Accepted, Error> {
        let mut conn = self.database.connection().await?;
        let mut written = match are_new {
            true => accept_new(&mut conn, arrivals, terms, notify).await,
            false => accept(&mut conn, arrivals, terms, notify).await,
        };
        if are_new && matches!(written, Err(Error::Rejected(_))) {
            // A queue was deleted after it was found, and is created again now; or an ID of the batch exists already.
            written = accept(&mut conn, arrivals, terms, notify).await;
        }
        conn.done_with(arrivals.iter().map(|arrival| arrival.new.message.body.len()).sum());
        written
    }

    /// Whether to notify other dispatchers: of messages that this process may have no room for, and of leases that they
    /// take over if it crashes. Always true if this process does not deliver or delivers in visits.
    fn notice_is_due(&self) -> bool {
        if self.dispatcher.as_ref().is_none_or(|dispatcher| !dispatcher.is_always_awake()) {
            return true;
        }
        let mut last_notice = self.last_notice.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last_notice.is_none_or(|last| last.elapsed() >= NOTICE_INTERVAL);
        if due {
            *last_notice = Some(Instant::now());
        }
        due
    }

    /// Passes the leased messages and the wake-ups to the dispatcher.
    fn hand_over(
        &self,
        arrivals: Vec<Arrival>,
        rooms: Vec<Option<Room>>,
        accepted: Accepted,
        terms: LeaseTerms,
        asked: Instant,
    ) {
        let Some(dispatcher) = &self.dispatcher else { return };
        dispatcher.wake(accepted.wake_ups);
        for ((arrival, room), duplicate_of) in arrivals.into_iter().zip(rooms).zip(&accepted.duplicate_of) {
            if duplicate_of.is_some() {
                continue;
            }
            dispatcher.accepted(arrival.new.message.id);
            let Some(room) = room else { continue };
            let lease = Lease {
                message: arrival.new.message,
                token: terms.token,
                retried: 0,
                deliveries: 1,
                created_at_ms: accepted.created_at_ms,
                not_before_ms: accepted.created_at_ms,
            };
            dispatcher.push(lease, asked.into(), room);
        }
    }
}
