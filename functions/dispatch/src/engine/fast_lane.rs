//! The fast lane: how many requests go out at the same instant.
//!
//! A burst of hundreds of requests at once opens hundreds of connections, and a connection per
//! request costs both sides more than the request (measured: a third more CPU per delivery at 256
//! than at 64). So a burst goes out a lane's width at a time. Who takes long leaves the lane and goes
//! on beside it, so that slow destinations never hold up fast ones.

use std::future::Future;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

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
    /// Runs the request: its first moments in the lane, the rest of its time beside it.
    pub(super) async fn run<T>(&self, request: impl Future<Output = T>) -> T {
        // The semaphore is never closed; without a permit the request would only be less polite.
        let in_lane = self.0.acquire().await.ok();
        let mut request = std::pin::pin!(request);
        tokio::select! {
            biased;
            done = &mut request => return done,
            () = sleep(LONG) => drop(in_lane),
        }
        request.await
    }
}
