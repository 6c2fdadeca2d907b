//! Named locks across all messages and processes.

use std::time::Duration;

use sigpost_store::locks::{Acquired, acquire, release};
use tokio::time::{Instant, sleep};

use super::once::check_name;
use crate::{JobContext, JobError};

/// First pause between two tries to acquire a lock, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Maximum time that a run waits for a lock.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A lock that this run holds until it ends or [releases](Lock::release) it.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Fencing token, greater than those of all earlier holders. Send it with writes to other systems, which reject a token
    /// less than the greatest that they have seen. This stops a delayed holder whose lease has expired.
    pub fence: i64,
    name: String,
    ctx: JobContext,
}

impl JobContext {
    /// Acquires a lock that only one run holds at a time, across all messages and processes. The heartbeat renews it. It is
    /// released when the run ends, or 30 s after a crash of its process.
    ///
    /// If another run holds it, waits for 10 s, or half of the remaining time of this run if that is less. `name` has 1 to
    /// 100 visible ASCII characters.
    ///
    /// # Errors
    ///
    /// [`JobError::RetryAfter`] if the lock is still held: the message is retried soon. In QStash's protocol this counts as
    /// an attempt, so a job that often waits needs enough retries, or a queue with parallelism 1 instead.
    pub async fn lock(&self, name: &str) -> Result<Lock, JobError> {
        check_name("lock", name)?;
        let deadline = self.shared.deadline.get();
        let left = deadline.map_or(LONGEST_WAIT, |end| end.saturating_duration_since(Instant::now()));
        let give_up_at = Instant::now() + (left / 2).min(LONGEST_WAIT);
        let mut pause = FIRST_PAUSE;
        loop {
            let acquired = acquire(&mut *self.database.connection().await?, name, self.run_id).await?;
            match acquired {
                Acquired::Held(fence) => return Ok(Lock { fence, name: name.to_owned(), ctx: self.clone() }),
                Acquired::Busy(_) if Instant::now() + pause >= give_up_at => {
                    return Err(JobError::retry_after(
                        LONGEST_PAUSE,
                        format!("the lock {name:?} is held by another run"),
                    ));
                }
                Acquired::Busy(_) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

impl Lock {
    /// Releases the lock before the run ends.
    ///
    /// # Errors
    ///
    /// The database is unavailable; the lock is then released at the end of the run.
    pub async fn release(self) -> Result<(), JobError> {
        let Self { fence, name, ctx } = self;
        Ok(release(&mut *ctx.database.connection().await?, &name, fence, ctx.run_id).await?)
    }
}
