//! Group commit of accepted messages: requests that arrive during a commit share the next one. A publish gets its
//! response after the commit of its message.

mod writer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sigpost_qstash::MessageId;
use sigpost_runtime::traces::Span;
use sigpost_store::accept::NewMessage;
use sigpost_store::{Database, Error};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::writer::Writer;
use crate::budget::{SMALL, Share};
use crate::dispatcher::Dispatcher;
use crate::trace;

/// Maximum number of messages that wait for a commit. Further publishes wait for a place.
const WAITING: usize = 4096;
/// How long a publish waits for a commit. A message that is in no commit by then is not stored.
const PATIENCE: Duration = Duration::from_millis(4500);

/// A handle to the writers. Clones share them.
#[derive(Clone)]
pub(crate) struct Intake {
    small: mpsc::Sender<Waiting>,
    large: mpsc::Sender<Waiting>,
}

/// A message that waits for its commit.
struct Waiting {
    new: NewMessage,
    publisher: Publisher,
}

/// The waiting publish, and its request's share of the memory budget.
struct Publisher {
    reply: oneshot::Sender<Result<Option<MessageId>, Error>>,
    _share: Option<Arc<Share>>,
}

impl Intake {
    /// Starts the writers, which end when the last handle is dropped. Small messages have one writer: a second one would
    /// halve the batches, which costs more than overlapping commits gain (measured: a sixth of the accepts at 128
    /// connections). Large messages have another writer, so that small ones do not wait for them.
    pub(crate) fn start(database: Database, dispatcher: Option<Dispatcher>) -> Self {
        let writer = Writer::new(database, dispatcher);
        let start = |writer: Writer| {
            let (sender, receiver) = mpsc::channel(WAITING);
            tokio::spawn(writer.run(receiver));
            sender
        };
        Self { small: start(writer.clone()), large: start(writer) }
    }

    /// Stores a message and returns after the commit: `None` if it was stored, or the ID of the earlier message that it
    /// duplicates.
    pub(crate) async fn accept(&self, new: NewMessage, share: Option<Share>) -> Result<Option<MessageId>, Error> {
        let writer = self.writer_of([&new]);
        let accepted = async { enqueue(writer, new, share.map(Arc::new)).await.stored().await };
        timeout(PATIENCE, accepted).await.unwrap_or_else(|_| Err(too_late()))
    }

    /// Stores several messages, which share commits, in this order. Returns a result per message.
    pub(crate) async fn accept_all(
        &self,
        all: Vec<NewMessage>,
        share: Option<Share>,
    ) -> Vec<Result<Option<MessageId>, Error>> {
        // One writer for all of them keeps their order.
        let (writer, share) = (self.writer_of(&all), share.map(Arc::new));
        // The timeout applies to each commit, because a large batch may need several.
        let mut progress = Instant::now();
        let mut enqueued_all = Vec::new();
        for new in all {
            let enqueuing = enqueue(writer, new, share.clone());
            let enqueued = timeout(PATIENCE.saturating_sub(progress.elapsed()), enqueuing).await;
            if enqueued.is_ok() {
                progress = Instant::now();
            }
            enqueued_all.push(enqueued);
        }
        let mut results = Vec::with_capacity(enqueued_all.len());
        for enqueued in enqueued_all {
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

    fn writer_of<'a>(&self, messages: impl IntoIterator<Item = &'a NewMessage>) -> &mpsc::Sender<Waiting> {
        let is_large = messages.into_iter().any(|new| new.message.body.len() > SMALL);
        if is_large { &self.large } else { &self.small }
    }
}

async fn enqueue(writer: &mpsc::Sender<Waiting>, mut new: NewMessage, share: Option<Arc<Share>>) -> Enqueued {
    let span = trace::publish(&mut new.message);
    let (reply, answer) = oneshot::channel();
    // If the writer has ended, the reply is dropped and the caller gets an error.
    let _ = writer.send(Waiting { new, publisher: Publisher { reply, _share: share } }).await;
    Enqueued { span, answer }
}

/// A message that waits to be stored.
struct Enqueued {
    span: Option<Span>,
    answer: oneshot::Receiver<Result<Option<MessageId>, Error>>,
}

impl Enqueued {
    /// Waits for the result.
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
