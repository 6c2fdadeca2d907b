//! Cooperative cancellation.

use tokio_util::sync::CancellationToken;

use crate::JobContext;

impl JobContext {
    /// Completes when the run must end: its message was cancelled, its timeout is near, its process is stopping, or its
    /// lease is lost. A handler can then clean up and return. It is dropped at its next await point after 5 s, or
    /// immediately if the lease is lost. If it returns an outcome before, the run is completed.
    pub async fn cancelled(&self) {
        self.shared.cancelled.cancelled().await;
    }

    /// Whether the run must end. For loops.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.is_cancelled()
    }

    /// Returns the token for tasks that the handler spawns. It is cancelled at the latest when the run ends.
    pub fn cancellation(&self) -> CancellationToken {
        self.shared.cancelled.clone()
    }
}
