//! Heartbeat of a run: renews the lease, and detects cancellation and loss of the lease.

use std::future::Future;
use std::time::Duration;

use sigpost_store::Error;
use sigpost_store::runs::Pulse;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::run::Stop;

/// Lease of a run without a heartbeat. After a crash, a retry waits up to this long.
pub const LEASE: Duration = Duration::from_secs(30);
/// Interval of heartbeats. Two may fail before the lease expires.
pub const BEAT: Duration = Duration::from_secs(10);
/// Pause before a retry of a failed heartbeat.
const AGAIN: Duration = Duration::from_secs(1);

/// Sends heartbeats until the run must stop. Returns the reason. An unavailable database is no reason before the lease
/// expires; afterwards another run may have started.
///
/// `begun_at` is a time before the run was recorded.
pub(super) async fn keep<F>(begun_at: Instant, mut beat: impl FnMut() -> F) -> Stop
where
    F: Future<Output = Result<Pulse, Error>>,
{
    let mut lease_end = begun_at + LEASE;
    let mut next = begun_at + BEAT;
    loop {
        sleep_until(next.min(lease_end)).await;
        // The lease is counted from before the request, so it ends here before it expires in the database.
        let asked_at = Instant::now();
        match timeout_at(lease_end, beat()).await {
            Ok(Ok(Pulse::Alive)) => {
                lease_end = asked_at + LEASE;
                next = asked_at + BEAT;
            }
            Ok(Ok(Pulse::Lost)) => return Stop::Lost,
            Ok(Ok(Pulse::Cancelled)) => return Stop::Cancelled,
            Ok(Err(_)) if Instant::now() < lease_end => next = Instant::now() + AGAIN,
            Ok(Err(_)) | Err(_) => return Stop::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Lets the database answer as listed, then hang. Returns the reason and the second at which it came.
    async fn stopped(answers: Vec<Result<Pulse, Error>>) -> (Stop, u64) {
        let began = Instant::now();
        let mut answers = VecDeque::from(answers);
        let stop = keep(began, || {
            let answer = answers.pop_front();
            async move {
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
        })
        .await;
        (stop, began.elapsed().as_secs())
    }

    fn away() -> Result<Pulse, Error> {
        Err(Error::Unavailable("away".into()))
    }

    #[tokio::test(start_paused = true)]
    async fn run_stops_at_the_beat_that_finds_it_lost_or_cancelled() {
        assert_eq!(stopped(vec![Ok(Pulse::Lost)]).await, (Stop::Lost, 10));
        assert_eq!(stopped(vec![Ok(Pulse::Alive), Ok(Pulse::Cancelled)]).await, (Stop::Cancelled, 20));
    }

    #[tokio::test(start_paused = true)]
    async fn absent_database_is_tolerated_until_the_lease_ends() {
        assert_eq!(stopped((0..100).map(|_| away()).collect()).await, (Stop::Lost, 30));
        let answers = vec![Ok(Pulse::Alive), away(), away(), Ok(Pulse::Alive), Ok(Pulse::Lost)];
        assert_eq!(stopped(answers).await, (Stop::Lost, 32));
    }

    #[tokio::test(start_paused = true)]
    async fn database_that_never_answers_ends_the_run_with_the_lease() {
        assert_eq!(stopped(vec![]).await, (Stop::Lost, 30));
        assert_eq!(stopped(vec![Ok(Pulse::Alive)]).await, (Stop::Lost, 40));
    }
}
