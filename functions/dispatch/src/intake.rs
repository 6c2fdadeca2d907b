//! Group commit of accepts: requests that arrive while a commit is under way share the next one.
//! Nobody is answered before the commit that holds the message.

use std::time::{Duration, Instant};

use sigpost_qstash::{MessageId, Start};
use sigpost_runtime::traces::Span;
use sigpost_store::accept::{Accepted, Arrival, LeaseTerms, NewMessage, accept, accept_new};
use sigpost_store::claim::Lease;
use sigpost_store::{Database, Error};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::engine::{Engine, NOTICE_INTERVAL, Room};
use crate::trace;

/// Messages in one commit at most: beyond this a commit takes long and saves little.
const BATCH: usize = 256;
/// Messages waiting for a commit at most; then publishers wait for their turn.
const WAITING: usize = 4096;

/// How often a commit is repeated on other connections, and until when: also after a statement that got no response.
const REPEATS: u32 = 4;
const REPEATED_FOR: Duration = Duration::from_millis(4200);
/// The pause before each.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a publisher waits for a commit. What is not in a commit by then is not stored.
const PATIENCE: Duration = Duration::from_millis(4500);

/// A handle; clones feed the same writer.
#[derive(Clone)]
pub(crate) struct Intake(mpsc::Sender<Waiting>);

struct Waiting {
    new: NewMessage,
    reply: oneshot::Sender<Result<Option<MessageId>, Error>>,
}

impl Intake {
    /// Starts the writer, which ends when the last handle is dropped. It is one: a second one would
    /// halve the batches, and small batches cost more than what commits gain by overlapping
    /// (measured: a sixth of the accepts at 128 connections).
    pub(crate) fn start(database: Database, engine: Option<Engine>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(Writer { database, engine, last_notice: None }.run(receiver));
        Self(sender)
    }

    /// Stores the message, and returns after the commit: `None` when it was stored, or the id of the
    /// earlier message that it duplicates.
    pub(crate) async fn accept(&self, new: NewMessage) -> Result<Option<MessageId>, Error> {
        let accepted = async { self.enqueue(new).await.stored().await };
        timeout(PATIENCE, accepted).await.unwrap_or_else(|_| Err(too_late()))
    }

    /// The same for many, which share commits. They are stored in this order, each for itself.
    pub(crate) async fn accept_all(
        &self,
        all: impl IntoIterator<Item = NewMessage>,
    ) -> Vec<Result<Option<MessageId>, Error>> {
        // Each commit gets its time: a batch of many may need several.
        let mut progress = Instant::now();
        let mut under_way = Vec::new();
        for new in all {
            let enqueued = timeout(PATIENCE.saturating_sub(progress.elapsed()), self.enqueue(new)).await;
            if enqueued.is_ok() {
                progress = Instant::now();
            }
            under_way.push(enqueued);
        }
        let mut results = Vec::with_capacity(under_way.len());
        for enqueued in under_way {
            let Ok(one) = enqueued else {
                results.push(Err(too_late()));
                continue;
            };
            let result = timeout(PATIENCE.saturating_sub(progress.elapsed()), one.stored()).await;
            if matches!(result, Ok(Ok(_))) {
                progress = Instant::now();
            }
            results.push(result.unwrap_or_else(|_| Err(too_late())));
        }
        results
    }

    async fn enqueue(&self, mut new: NewMessage) -> Enqueued {
        let span = trace::publish(&mut new.message);
        let (reply, answer) = oneshot::channel();
        // Where nobody takes it the reply is dropped with it, and that is the answer.
        let _ = self.0.send(Waiting { new, reply }).await;
        Enqueued { span, answer }
    }
}

/// A message that is to be stored.
struct Enqueued {
    span: Option<Span>,
    answer: oneshot::Receiver<Result<Option<MessageId>, Error>>,
}

impl Enqueued {
    /// What came of it.
    async fn stored(self) -> Result<Option<MessageId>, Error> {
        let result = self.answer.await.unwrap_or_else(|_| Err(stopped()));
        trace::published(self.span, &result);
        result
    }
}

fn too_late() -> Error {
    Error::Unavailable(format!("no commit within {} ms", PATIENCE.as_millis()))
}

fn stopped() -> Error {
    Error::Unavailable("the intake has stopped".into())
}

struct Writer {
    database: Database,
    engine: Option<Engine>,
    last_notice: Option<Instant>,
}

impl Writer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Waiting>) {
        let mut gathered = Vec::with_capacity(BATCH);
        while receiver.recv_many(&mut gathered, BATCH).await > 0 {
            let (arrivals, replies): (Vec<_>, Vec<_>) = gathered
                .drain(..)
                .filter(|waiting| !waiting.reply.is_closed())
                .map(|waiting| (waiting.new, waiting.reply))
                .unzip();
            if !arrivals.is_empty() {
                self.store(arrivals, replies).await;
            }
        }
    }

    async fn store(&mut self, batch: Vec<NewMessage>, replies: Vec<oneshot::Sender<Result<Option<MessageId>, Error>>>) {
        // What is due now and finds room is leased to this process as it is stored, and pushed after the commit.
        let mut rooms = Vec::with_capacity(batch.len());
        let arrivals: Vec<Arrival> = batch
            .into_iter()
            .map(|new| {
                let goes_at_once = new.start == Start::Now && !new.message.has_gates();
                let engine = self.engine.as_ref().filter(|_| goes_at_once);
                let room = engine.and_then(Engine::try_room);
                let leased = room.is_some();
                rooms.push(room);
                Arrival { new, leased }
            })
            .collect();
        let terms = LeaseTerms {
            token: Uuid::now_v7(),
            length: self.engine.as_ref().map_or(Duration::ZERO, Engine::lease_length),
        };

        match self.write(&arrivals, terms).await {
            Ok(accepted) => {
                for (reply, duplicate_of) in replies.into_iter().zip(&accepted.duplicate_of) {
                    let _ = reply.send(Ok(*duplicate_of));
                }
                self.hand_over(arrivals, rooms, accepted, terms);
            }
            // One message that Postgres refuses, or that has to wait, must not take its neighbours down.
            Err(Error::Refused(_) | Error::Busy(_)) if arrivals.len() > 1 => {
                drop(rooms);
                for (arrival, reply) in arrivals.into_iter().zip(replies).filter(|(_, reply)| !reply.is_closed()) {
                    Box::pin(self.store(vec![arrival.new], vec![reply])).await;
                }
            }
            Err(error) => {
                // The limits of the batch may have been changed before the statement that failed.
                if let Some(engine) = self.engine.as_ref().filter(|_| arrivals.iter().any(Arrival::has_limits)) {
                    engine.wake_everything();
                }
                for reply in replies {
                    let _ = reply.send(Err(error.for_another()));
                }
            }
        }
    }

    /// Writes the batch; again on a fresh connection when one turns out to be dead. The same ids under the same lease make
    /// that harmless if the first was committed after all.
    async fn write(&mut self, arrivals: &[Arrival], terms: LeaseTerms) -> Result<Accepted, Error> {
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
        if are_new {
            match accept_new(&mut conn, arrivals, terms, notify).await {
                // Its queue was deleted after it had been found, and is made anew now; or an id of the batch is not new.
                Err(Error::Refused(_)) => {}
                result => return result,
            }
        }
        accept(&mut conn, arrivals, terms, notify).await
    }

    /// Whether other dispatchers should be told: of work this process may not get to, and of leases
    /// they would have to take over if it dies. Always where others do the work: without an engine
    /// here, and between visits.
    fn notice_is_due(&mut self) -> bool {
        if self.engine.as_ref().is_none_or(|engine| !engine.is_always_awake()) {
            return true;
        }
        let due = self.last_notice.is_none_or(|last| last.elapsed() >= NOTICE_INTERVAL);
        if due {
            self.last_notice = Some(Instant::now());
        }
        due
    }

    /// Gives what was stored as leased to the engine, and the wake-ups of the rest.
    fn hand_over(&self, arrivals: Vec<Arrival>, rooms: Vec<Option<Room>>, accepted: Accepted, terms: LeaseTerms) {
        let Some(engine) = &self.engine else { return };
        engine.wake(accepted.wake_ups);
        for ((arrival, room), duplicate_of) in arrivals.into_iter().zip(rooms).zip(&accepted.duplicate_of) {
            if duplicate_of.is_some() {
                continue;
            }
            engine.accepted(arrival.new.message.id);
            let Some(room) = room else { continue };
            let lease = Lease {
                message: arrival.new.message,
                token: terms.token,
                retried: 0,
                deliveries: 1,
                created_at_ms: accepted.created_at_ms,
                not_before_ms: accepted.created_at_ms,
            };
            engine.push(lease, room);
        }
    }
}
