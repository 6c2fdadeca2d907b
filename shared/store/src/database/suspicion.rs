//! Records since when connections of this process may be dead, or lead to a read-only server.
//!
//! A dead connection is detected only when it is used. After the first failure, every other connection is replaced
//! before its next use.

use std::sync::LazyLock;
use std::time::Instant;

use tokio::sync::watch;

static RAISED: LazyLock<watch::Sender<Option<Instant>>> = LazyLock::new(|| watch::Sender::new(None));

/// Records a failed connection.
pub(crate) fn raise() {
    RAISED.send_replace(Some(Instant::now()));
}

/// Returns whether a connection failed after this time.
pub(super) fn is_raised_since(time: Instant) -> bool {
    RAISED.borrow().is_some_and(|raised| raised >= time)
}

/// Returns a receiver that changes whenever a connection fails.
pub(crate) fn subscribe() -> watch::Receiver<Option<Instant>> {
    RAISED.subscribe()
}
