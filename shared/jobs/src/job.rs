//! What a job is: data, and the few constants that everybody who sends or runs it must agree on.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
pub use sigpost_qstash::Invalid;

/// A type of job. Its JSON is the body of the message.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name on the wire and in `job_executions`. It never changes: messages on their way have it.
    const TYPE: &'static str;
    /// The path of the handler below the deployment's base URL, e.g. `/api/jobs/email`.
    const ENDPOINT: &'static str;
    /// Attempts after the first.
    const RETRIES: u32 = 3;
    /// How long one run may take. The handler is stopped then, and the attempt has failed.
    const TIMEOUT: Duration = Duration::from_secs(30);

    /// Whether the payload is encrypted from where it is enqueued until it is run, so that neither the
    /// dispatcher nor the database has it in the clear. Needs `JOB_SEALING_KEYS` on both sides; a
    /// delivery in the clear is run as well, so that it can be turned on at any time.
    const SEALED: bool = false;
    /// Whether the payload is removed when the job is done: from its runs, and from its message if the
    /// message is in the same database. Until then, and of a dead letter, it is kept to be delivered.
    const PURGE_PAYLOAD: bool = false;

    /// Checks what the type alone does not say. Called before a job is enqueued and before it is run.
    ///
    /// # Errors
    ///
    /// What is wrong with which field. No retry can help, so the message is given up at once.
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}
