//! Named locks: what must not run twice at a time, whatever the message.

use std::time::Duration;

use sigpost_store::locks::{Acquired, acquire, release};
use tokio::time::{Instant, sleep};

use super::once::check_name;
use crate::{JobContext, JobError};

/// Between two looks at a lock that is held, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a run waits for a lock at most.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A lock that this run holds until it ends or [releases](Lock::release) it.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Greater than that of every holder before. Who writes elsewhere under this lock sends it along,
    /// and the other side refuses a number less than the greatest it has seen: so a holder that was
    /// held up and does not know that its lease is over changes nothing.
    pub fence: i64,
    name: String,
    ctx: JobContext,
}

impl JobContext {
    /// Takes a lock that one run at a time holds, over all messages and processes. It lives as long as
    /// the run: the heartbeat prolongs it, and it is free when the run ends, or 30 s after its process
    /// died.
    ///
    /// When another run holds it, this one waits for a moment: 10 s, or half of what is left of its
    /// own time if that is less. `name` has 1 to 100 visible ASCII characters.
    ///
    /// # Errors
    ///
    /// [`JobError::RetryAfter`] when it is still held then: the message comes again soon. QStash's
    /// protocol has no answer for "later" that is not an attempt, so a job that often waits needs
    /// retries enough, or a queue with parallelism 1 instead, in which none is pushed before its turn.
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
    /// Gives it back before the run ends.
    ///
    /// # Errors
    ///
    /// The database is away: the lock is given back at the end of the run.
    pub async fn release(self) -> Result<(), JobError> {
        let Self { fence, name, ctx } = self;
        Ok(release(&mut *ctx.database.connection().await?, &name, fence, ctx.run_id).await?)
    }
}
