//! The fast lane: how many requests go out at the same instant.
//!
//! A burst of hundreds of requests at once opens hundreds of connections, and a connection per
//! request costs both sides more than the request (measured: a third more CPU per delivery at 256
//! than at 64). So a burst goes out a lane's width at a time. Who takes long leaves the lane and goes
//! on beside it, so that slow destinations never hold up fast ones.

use std::future::Future;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Requests in the lane at once. Beyond this a fast destination is not reached any faster.
const WIDTH: usize = 64;
/// After this a request leaves the lane.
const LONG: Duration = Duration::from_millis(20);

pub(super) struct FastLane(Semaphore);

impl Default for FastLane {
    fn default() -> Self {
        Self(Semaphore::new(WIDTH))
    }
}

impl FastLane {
    /// Runs the request for at most `bound`: its first moments in the lane, the rest of its time
    /// beside it. The wait for the lane does not count.
    pub(super) async fn run<T>(&self, bound: Duration, mut request: impl Future<Output = T> + Unpin) -> Option<T> {
        // The semaphore is never closed; without a permit the request would only be less polite.
        let in_lane = self.0.acquire().await.ok();
        if let Ok(done) = timeout(bound.min(LONG), &mut request).await {
            return Some(done);
        }
        drop(in_lane);
        timeout(bound.saturating_sub(LONG), request).await.ok()
    }
}
