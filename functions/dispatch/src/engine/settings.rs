//! How the engine works.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sigpost_runtime::PushSigner;

/// Settings of one process's engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages in flight at once at most, from the lease to the recorded end. Default 1024.
    pub max_in_flight: usize,
    /// Bytes of large bodies in flight at once; a larger one is alone. Default 64 MiB.
    pub in_flight_bytes: usize,
    /// How long a lease holds without renewal; it is renewed at a third of that. So long a message
    /// of a killed process waits. Default 20 s.
    pub lease: Duration,
    /// Bound of one attempt where the message gives none. Default 2 h, as QStash's pay-as-you-go plan.
    pub longest_attempt: Duration,
    /// How long pushes under way may go on at shutdown. Default 25 s, which fits the 30 s that
    /// container platforms give by default.
    pub grace: Duration,
    /// How long to go without looking for due messages when nothing says so: only a net below
    /// notifications and timers. Default 5 min.
    pub poll: Duration,
    /// How much of a response's body is kept, in bytes. Default 64 KiB.
    pub kept_response_bytes: usize,
    /// Signs the pushes to the hosts that want AWS's signature. Default: none does.
    pub push_signer: Option<Arc<PushSigner>>,
    /// When this process can deliver. Default: always.
    pub awake: Awake,
    /// How many dispatchers visit at once at most. Default 4.
    pub max_dispatchers: usize,
    /// Starts one more of them. Default: nobody can.
    pub further: Option<Further>,
}

/// How a visit that is full has another dispatcher started.
#[derive(Clone)]
pub struct Further(Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>);

impl Further {
    /// By calling this, which returns when the other one is sure to start.
    pub fn by(start: impl Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(start))
    }

    pub(super) async fn another(&self) -> anyhow::Result<()> {
        (self.0)().await
    }
}

impl fmt::Debug for Further {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Further")
    }
}

/// When a process can deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awake {
    /// It runs all the time.
    Always,
    /// It runs while it is invoked, and is frozen at any other time: it delivers in
    /// visits (`engine/visit.rs`) and starts nothing that goes on between them.
    InVisits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_in_flight: 1024,
            in_flight_bytes: 64 * 1024 * 1024,
            lease: Duration::from_secs(20),
            longest_attempt: Duration::from_secs(2 * 60 * 60),
            grace: Duration::from_secs(25),
            poll: Duration::from_secs(5 * 60),
            kept_response_bytes: 64 * 1024,
            push_signer: None,
            awake: Awake::Always,
            max_dispatchers: 4,
            further: None,
        }
    }
}
