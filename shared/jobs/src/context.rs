//! Context of a run: its identity, and the operations of a handler.
//!
//! | | |
//! |---|---|
//! | [`once`](JobContext::once) | performs a side effect once across repeated runs |
//! | [`commit`](JobContext::commit) | writes rows of the handler in the transaction that completes the run |
//! | [`enqueue`](JobContext::enqueue) | enqueues follow-up jobs in that transaction |
//! | [`lock`](JobContext::lock) | acquires a named lock |
//! | [`cancelled`](JobContext::cancelled) | waits for the cancellation of the run |

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

/// Context of one run. Clones refer to the same run.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// Message ID, the same for all attempts. A redriven message has an ID of its own.
    pub message_id: String,
    /// For a redriven message, the message that was published first. A run of either completes both.
    pub original_message_id: Option<String>,
    /// Run ID: the row in `job_executions`. Each attempt has its own.
    pub run_id: Uuid,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// User ID, if the publisher set it.
    pub user_id: Option<String>,
    /// Organization ID, if the publisher set it.
    pub organization_id: Option<String>,
    /// Correlation ID: the delivery's `X-Correlation-Id`, else the ID of the message that was published first. It is in all
    /// log lines of the run and is passed on to follow-up jobs.
    pub correlation_id: String,
    /// Trace context of the run for outgoing requests, if the delivery has one or traces are enabled.
    pub traceparent: Option<Traceparent>,
    /// The deployment's database. The heartbeat uses the same pool, which in Lambda has one connection: a handler that
    /// holds it for more than about 20 s loses the lease. Do not request a second connection while holding one.
    pub database: Database,
    pub(crate) shared: Arc<Shared>,
}

/// State shared by the clones of a context.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) handlers: Handlers,
    /// The message ID, if it is one of sigpost: only those can be checked for cancellation.
    pub(crate) message: Option<MessageId>,
    pub(crate) purge: Option<Purge>,
    pub(crate) cancelled: CancellationToken,
    /// Time at which the handler is stopped. Set when it is called.
    pub(crate) deadline: OnceLock<Instant>,
    pub(crate) follow_ups: Mutex<Vec<NewMessage>>,
    /// Set when the handler has committed the run itself.
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
    /// Returns the ID of the message that was published first, which identifies side effects.
    pub(crate) fn original_id(&self) -> &str {
        self.original_message_id.as_deref().unwrap_or(&self.message_id)
    }
}
