//! Retries of statements while the database is unavailable.

use std::future::Future;
use std::time::Duration;

use sigpost_store::Error;
use tokio::time::{sleep, timeout};

/// Timeout of a statement. After it the database counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pauses of retries to begin a run. A pooled connection to a restarted server fails only when it is used. A job does not
/// run without a record, and a failed delivery consumes a retry of the message.
pub(crate) const BEGIN_PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(250)];
/// Pauses of retries to finish a run. Without its record the job would run again.
pub(crate) const FINISH_PAUSES: [Duration; 4] =
    [Duration::from_millis(20), Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];

/// Runs a statement. Retries it after each pause while the database is unavailable.
pub(crate) async fn persistently<T, F>(pauses: &[Duration], mut ask: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for pause in pauses {
        match patiently(ask()).await {
            Err(why) if why.is_transient() => sleep(*pause).await,
            answer => return answer,
        }
    }
    patiently(ask()).await
}

async fn patiently<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::Unavailable(format!("no response within {PATIENCE:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often the database was asked, when it is away for the first `away` times.
    async fn asked(away: usize) -> (Result<usize, Error>, usize) {
        let asked = Cell::new(0);
        let answer = persistently(&FINISH_PAUSES, || {
            asked.set(asked.get() + 1);
            let answer = if asked.get() > away { Ok(asked.get()) } else { Err(Error::Unavailable("away".into())) };
            async move { answer }
        })
        .await;
        (answer, asked.get())
    }

    #[tokio::test(start_paused = true)]
    async fn absent_database_is_asked_again_a_few_times() {
        assert!(matches!(asked(0).await, (Ok(1), 1)));
        assert!(matches!(asked(4).await, (Ok(5), 5)));
        assert!(matches!(asked(9).await, (Err(Error::Unavailable(_)), 5)));
    }

    #[tokio::test(start_paused = true)]
    async fn rejection_is_not_asked_again() {
        let asked = Cell::new(0);
        let answer: Result<(), Error> = persistently(&FINISH_PAUSES, || {
            asked.set(asked.get() + 1);
            async { Err(Error::Rejected("no".into())) }
        })
        .await;
        assert!(matches!(answer, Err(Error::Rejected(_))));
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_as_absence() {
        let answer: Result<(), Error> = patiently(std::future::pending()).await;
        assert!(answer.is_err_and(|why| why.is_transient()));
    }
}
