//! Log lines about a database outage: one when it begins, one when it ends, and in between the number of rejected
//! requests. A line for each request would fill the log, and `/readyz` needs no authentication.

use std::fmt::Display;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::RequestId;

/// Minimum time between two lines about rejected requests.
const LOGGED_EVERY: Duration = Duration::from_secs(10);
/// An outage ends after this time without a rejected request, where no component tests the database.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

static OUTAGE: Mutex<Outage> = Mutex::new(Outage { since: None, last: None, logged: None, rejected: 0, unlogged: 0 });
static IS_ONGOING: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// An outage, as seen in the requests that it rejected.
struct Outage {
    since: Option<Instant>,
    /// Time of the last rejected request.
    last: Option<Instant>,
    logged: Option<Instant>,
    rejected: u64,
    unlogged: u64,
}

/// A log line.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Begins,
    GoesOn { rejected: u64 },
}

/// Records that a request was rejected because the database is unavailable.
pub fn reject(cause: &dyn Display) {
    let line = lock().reject(Instant::now());
    match line {
        Some(Line::Begins) => {
            let request_id = RequestId::current();
            tracing::warn!(%request_id, error = %cause, "the database is unavailable; requests get 503");
        }
        Some(Line::GoesOn { rejected }) => {
            tracing::warn!(rejected, error = %cause, "the database is still unavailable");
        }
        None => {}
    }
    IS_ONGOING.send_if_modified(|is_ongoing| !std::mem::replace(is_ongoing, true));
}

/// Waits until a request is rejected.
pub async fn begun() {
    // The sender is never dropped.
    let _ = IS_ONGOING.subscribe().wait_for(|is_ongoing| *is_ongoing).await;
}

/// Records a successful write. Returns whether that ends the outage: it continues if a request was rejected within
/// `quiet`.
pub fn recovered(quiet: Duration) -> bool {
    let Some((lasted, rejected)) = lock().recovered(Instant::now(), quiet) else { return false };
    IS_ONGOING.send_replace(false);
    tracing::info!(rejected, seconds = lasted.as_secs(), "the database is available again");
    true
}

fn lock() -> MutexGuard<'static, Outage> {
    OUTAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outage {
    fn reject(&mut self, now: Instant) -> Option<Line> {
        if self.last.is_some_and(|last| now.duration_since(last) > FORGOTTEN_AFTER) {
            *self = Self { since: None, last: None, logged: None, rejected: 0, unlogged: 0 };
        }
        self.last = Some(now);
        self.rejected += 1;
        if self.since.is_none() {
            self.since = Some(now);
            self.logged = Some(now);
            return Some(Line::Begins);
        }
        self.unlogged += 1;
        if self.logged.is_some_and(|logged| now.duration_since(logged) < LOGGED_EVERY) {
            return None;
        }
        self.logged = Some(now);
        Some(Line::GoesOn { rejected: std::mem::take(&mut self.unlogged) })
    }

    /// Returns the duration of the outage and the number of rejected requests if it has ended.
    fn recovered(&mut self, now: Instant, quiet: Duration) -> Option<(Duration, u64)> {
        let (since, last) = self.since.zip(self.last)?;
        if now.duration_since(last) < quiet {
            return None;
        }
        let ended = (now.duration_since(since), self.rejected);
        *self = Self { since: None, last: None, logged: None, rejected: 0, unlogged: 0 };
        Some(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_has_a_line_at_each_end_and_one_each_ten_seconds() {
        let mut outage = Outage { since: None, last: None, logged: None, rejected: 0, unlogged: 0 };
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let at = |tenths: u32| start + tenths * second / 10;
        let lines: Vec<_> = (0..250).filter_map(|tenths| outage.reject(at(tenths))).collect();
        assert_eq!(lines, [Line::Begins, Line::GoesOn { rejected: 100 }, Line::GoesOn { rejected: 100 }]);
        assert_eq!(outage.recovered(at(255), second), None);
        assert_eq!(outage.recovered(at(260), second), Some((26 * second, 250)));
        assert_eq!(outage.recovered(at(270), second), None);
        assert_eq!(outage.reject(at(300)), Some(Line::Begins));
        assert_eq!(outage.reject(at(300) + 61 * second), Some(Line::Begins));
    }
}
