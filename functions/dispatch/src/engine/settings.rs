//! How the engine works.

use std::sync::Arc;
use std::time::Duration;

use sigpost_runtime::PushSigner;

/// Settings of one process's engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages in flight at once at most, from the lease to the recorded end. Default 1024.
    pub max_in_flight: usize,
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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_in_flight: 1024,
            lease: Duration::from_secs(20),
            longest_attempt: Duration::from_secs(2 * 60 * 60),
            grace: Duration::from_secs(25),
            poll: Duration::from_secs(5 * 60),
            kept_response_bytes: 64 * 1024,
            push_signer: None,
        }
    }
}
