//! Time of this machine.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time of this machine, in seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
