//! Leaving off in time.

use tokio_util::sync::CancellationToken;

use crate::JobContext;

impl JobContext {
    /// Completes when the run must end: its message was cancelled, its time is nearly up, its process
    /// is stopping, or its lease is lost. A handler may then put things in order and return; it is
    /// dropped at its next await point 5 s later, and at once when the lease is lost. One that has
    /// done its job by then is completed.
    pub async fn cancelled(&self) {
        self.shared.cancelled.cancelled().await;
    }

    /// Whether the run must end: for loops.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.is_cancelled()
    }

    /// The same for tasks that the handler has spawned. It has fired whichever way the run has ended.
    pub fn cancellation(&self) -> CancellationToken {
        self.shared.cancelled.clone()
    }
}
