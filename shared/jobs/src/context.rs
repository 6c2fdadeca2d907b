//! What a handler knows about the run besides the job, and what it can do about it.
//!
//! | | |
//! |---|---|
//! | [`once`](JobContext::once) | an effect on somebody else that a repeated run does not repeat |
//! | [`commit`](JobContext::commit) | rows of its own, written exactly if the run is recorded as completed |
//! | [`enqueue`](JobContext::enqueue) | follow-up jobs, likewise |
//! | [`lock`](JobContext::lock) | what must not run twice at a time |
//! | [`cancelled`](JobContext::cancelled) | the moment to leave off |

mod cancel;
mod commit;
mod lock;
mod once;

use std::sync::{Arc, Mutex, OnceLock};

use sigpost_qstash::MessageId;
use sigpost_store::Database;
use sigpost_store::accept::NewMessage;
use sigpost_store::runs::Purge;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::lock::Lock;
use crate::{Handlers, Job, Outcome, Traceparent};

/// The circumstances of one run. Clones are the same run.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// The message, the same over all attempts. A redriven message has an id of its own.
    pub message_id: String,
    /// For a redriven message, the message that was published first. A run of either completes both.
    pub original_message_id: Option<String>,
    /// The run: its row in `job_executions`, another one for each attempt.
    pub run_id: Uuid,
    /// The number of the delivery, from 1.
    pub attempt: u32,
    /// On whose behalf, if the sender said so.
    pub user_id: Option<String>,
    /// For which organization, if the sender said so.
    pub organization_id: Option<String>,
    /// What this run belongs to: the delivery's `X-Correlation-Id`, else the id of the message that was published first. In every
    /// log line of the run, and passed on to follow-up jobs.
    pub correlation_id: String,
    /// The run as a span of the sender's trace, if the delivery came with one or traces are on: for
    /// requests to others.
    pub traceparent: Option<Traceparent>,
    /// The deployment's database. The heartbeat uses the same pool, which in Lambda has one connection:
    /// who holds it for more than some 20 s loses the lease. Never ask for a second while holding one.
    pub database: Database,
    pub(crate) shared: Arc<Shared>,
}

/// What the clones of a context have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) handlers: Handlers,
    /// The message, when it is one of ours: only those can be found cancelled.
    pub(crate) message: Option<MessageId>,
    pub(crate) purge: Option<Purge>,
    pub(crate) cancelled: CancellationToken,
    /// When the handler is stopped; set when it is called.
    pub(crate) deadline: OnceLock<Instant>,
    pub(crate) follow_ups: Mutex<Vec<NewMessage>>,
    /// Set when the handler has recorded the end of the run itself.
    pub(crate) committed: OnceLock<Outcome>,
}

impl Shared {
    pub(crate) fn new<J: Job>(message_id: &str, handlers: Handlers) -> Arc<Self> {
        let message: Option<MessageId> = message_id.parse().ok();
        Arc::new(Self {
            handlers,
            message,
            purge: J::PURGE_PAYLOAD.then_some(Purge { message: message.map(|id| id.0) }),
            cancelled: CancellationToken::new(),
            deadline: OnceLock::new(),
            follow_ups: Mutex::default(),
            committed: OnceLock::new(),
        })
    }
}

impl JobContext {
    /// The message that was published first: what the ledger and keys for effects on others go by.
    pub(crate) fn original_id(&self) -> &str {
        self.original_message_id.as_deref().unwrap_or(&self.message_id)
    }
}
