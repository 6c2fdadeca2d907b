//! Side effects, recorded in a ledger.

use std::future::Future;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sigpost_store::effects::{Effect, Look, look, record};
use sigpost_store::runs::MAX_RESULT_BYTES;

use crate::persistence::{BEGIN_PAUSES, FINISH_PAUSES, persistently};
use crate::{JobContext, JobError};

/// Maximum length of the name of an effect or a lock in bytes.
const MAX_NAME_BYTES: usize = 100;
/// Maximum length of an unhashed idempotency key in bytes. Resend accepts 256 characters, Stripe 255.
const MAX_KEY_BYTES: usize = 255;

impl JobContext {
    /// Performs a side effect, such as a request to an API, and records its result. A repeated run of this message (retry,
    /// redelivery, redrive) returns the result without repeating the effect. `name` identifies the effect within the job.
    /// It must not change, and has 1 to 100 visible ASCII characters.
    ///
    /// ```no_run
    /// # use sigpost_jobs::{JobContext, JobError};
    /// # async fn send(key: String) -> Result<String, JobError> { Ok(key) }
    /// # async fn run(ctx: &JobContext) -> Result<(), JobError> {
    /// let email_id: String = ctx.once("email", |key| send(key)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// After a crash between the effect and its record the effect is repeated. Pass the key (see
    /// [`idempotency_key`](Self::idempotency_key)) to the other system, so that it can detect the repetition. A failed
    /// effect is not recorded. No transaction or connection is held during the effect.
    ///
    /// The effect does not start if the run has lost its lease or its message is cancelled. It takes two statements, one
    /// if the effect is already recorded.
    ///
    /// # Errors
    ///
    /// The error of the effect. Retryable if the database is unavailable. Permanent if the result is over 64 KiB of JSON or
    /// cannot be deserialized as `T`: the effect was performed and must not be repeated.
    pub async fn once<T, F>(&self, name: &str, effect: impl FnOnce(String) -> F) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, JobError>>,
    {
        check_name("effect", name)?;
        let message = self.shared.message.map(|id| id.0);
        let entry = Effect { message_id: self.original_id(), message, run: self.run_id, name };
        let looked =
            persistently(&BEGIN_PAUSES, || async { look(&mut *self.database.connection().await?, entry).await });
        match looked.await? {
            Look::NotDone => {}
            Look::Done(result) => return read(name, result),
            Look::Lost => return Err(JobError::retryable("the run lost its lease")),
            Look::Cancelled => return Err(JobError::permanent("the message was cancelled")),
        }
        let done = effect(self.idempotency_key(name)).await?;
        let result = bounded(name, &done)?;
        let recorded = persistently(&FINISH_PAUSES, || async {
            record(&mut *self.database.connection().await?, entry, &result).await
        });
        match recorded.await? {
            // Two runs performed it. All use the result that was recorded first.
            Some(first) if first != result => read(name, first),
            _ => Ok(done),
        }
    }

    /// Returns the idempotency key of a side effect, the same for all attempts and redrives: `name/message ID` with the ID
    /// of the message that was published first, or its SHA-256 in base64url if that is longer than 255 bytes.
    pub fn idempotency_key(&self, name: &str) -> String {
        let key = format!("{name}/{}", self.original_id());
        if key.len() <= MAX_KEY_BYTES { key } else { URL_SAFE_NO_PAD.encode(Sha256::digest(key)) }
    }
}

pub(super) fn check_name(what: &str, name: &str) -> Result<(), JobError> {
    let valid = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    let rejected = || JobError::permanent(format!("the name of the {what} must be 1 to 100 visible ASCII characters"));
    if valid { Ok(()) } else { Err(rejected()) }
}

fn bounded(name: &str, done: &impl Serialize) -> Result<Value, JobError> {
    let made = |why: &str| JobError::permanent(format!("{name:?} was done, but its result {why}"));
    let result = serde_json::to_value(done).map_err(|_| made("cannot be written as JSON"))?;
    if result.to_string().len() > MAX_RESULT_BYTES {
        return Err(made("is too large to be remembered (64 KiB)"));
    }
    Ok(result)
}

fn read<T: DeserializeOwned>(name: &str, result: Value) -> Result<T, JobError> {
    // The text of the error may contain the result, so it is omitted.
    serde_json::from_value(result)
        .map_err(|_| JobError::permanent(format!("{name:?} was done, but its result is of another type")))
}
