//! Settings of the dispatcher.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sigpost_runtime::{PushSigner, settings};

/// Settings of the dispatcher of one process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Maximum number of messages in flight, from the lease to the recorded outcome. Default 1024.
    pub max_in_flight: usize,
    /// Memory budget for large bodies in flight in bytes. A larger body is delivered alone. Default 64 MiB.
    pub in_flight_bytes: usize,
    /// Duration of a lease, which is renewed after a third of it: the time until another dispatcher takes over after a
    /// crash. Default 20 s.
    pub lease: Duration,
    /// Maximum timeout of an attempt, and its default. Default 2 h, as in QStash's pay-as-you-go plan.
    pub longest_attempt: Duration,
    /// Grace period at shutdown for attempts in flight. Default 25 s, which fits the 30 s that container platforms give by
    /// default.
    pub grace: Duration,
    /// Maximum interval between queries for due messages: a fallback for missed notifications and timers. Default 5 min.
    pub poll: Duration,
    /// Maximum stored size of a response body in bytes. Default 64 KiB.
    pub kept_response_bytes: usize,
    /// Signs requests to hosts that require an AWS signature. Default: none.
    pub push_signer: Option<Arc<PushSigner>>,
    /// When this process can deliver. Default: always.
    pub awake: Awake,
    /// Maximum number of concurrent dispatchers in visits. Default 4.
    pub max_dispatchers: usize,
    /// Starts a further dispatcher. Default: none.
    pub further: Option<Further>,
}

/// Starts another dispatcher when the capacity of a visit is used up.
#[derive(Clone)]
pub struct Further(Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>);

impl Further {
    /// Creates it from a function that returns when the start of the other dispatcher is certain.
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
    /// It runs continuously.
    Always,
    /// It runs only during invocations and is frozen otherwise: it delivers in visits (`dispatcher/visit.rs`), and nothing
    /// continues between them.
    InVisits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_in_flight: settings::MAX_IN_FLIGHT.default_as(),
            in_flight_bytes: 64 * 1024 * 1024,
            lease: Duration::from_secs(settings::LEASE_SECONDS.default_as()),
            longest_attempt: Duration::from_secs(settings::LONGEST_ATTEMPT_SECONDS.default_as()),
            grace: Duration::from_secs(settings::SHUTDOWN_GRACE_SECONDS.default_as()),
            poll: Duration::from_secs(5 * 60),
            kept_response_bytes: 64 * 1024,
            push_signer: None,
            awake: Awake::Always,
            max_dispatchers: settings::MAX_DISPATCHERS.default_as(),
            further: None,
        }
    }
}
