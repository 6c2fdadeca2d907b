//! Since when connections of this process may be dead, or lead to a server that takes no writes.
//!
//! A connection shows that only when it is used. After the first one did, every other is replaced before its next use.

use std::sync::LazyLock;
use std::time::Instant;

use tokio::sync::watch;

static RAISED: LazyLock<watch::Sender<Option<Instant>>> = LazyLock::new(|| watch::Sender::new(None));

/// A connection failed.
pub(crate) fn raise() {
    RAISED.send_replace(Some(Instant::now()));
}

/// Whether a connection failed after this time.
pub(super) fn is_raised_since(time: Instant) -> bool {
    RAISED.borrow().is_some_and(|raised| raised >= time)
}

/// Rings whenever a connection fails.
pub(crate) fn subscribe() -> watch::Receiver<Option<Instant>> {
    RAISED.subscribe()
}
