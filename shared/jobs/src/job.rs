//! Job types: data, and constants that publishers and handlers share.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
pub use sigpost_qstash::Invalid;

/// A job type. Its JSON is the body of the message.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name on the wire and in `job_executions`. Do not change it: pending messages contain it.
    const TYPE: &'static str;
    /// Path of the handler below the base URL, for example `/api/jobs/email`.
    const ENDPOINT: &'static str;
    /// Maximum number of retries.
    const RETRIES: u32 = 3;
    /// Maximum duration of a run. After it the handler is stopped, and the attempt fails.
    const TIMEOUT: Duration = Duration::from_secs(30);

    /// Whether the payload is encrypted from the publisher to the handler, so that neither the dispatcher nor the database
    /// has the plaintext. Requires `JOB_SEALING_KEYS` on both sides. Handlers also accept unencrypted deliveries, so it
    /// can be enabled at any time.
    const SEALED: bool = false;
    /// Whether the payload is purged when the job completes: from its runs, and from its message if that is in the same
    /// database. Dead letters keep it for a redrive.
    const PURGE_PAYLOAD: bool = false;

    /// Validates constraints beyond the type. Called before a job is enqueued and before it is run.
    ///
    /// # Errors
    ///
    /// Names the invalid field. No retry helps, so the message becomes a dead letter immediately.
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}
