//! Effects on others, with a ledger.

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

/// The longest name of an effect or a lock, in bytes.
const MAX_NAME_BYTES: usize = 100;
/// The longest key that is passed on as it is. Resend takes 256 characters, Stripe 255.
const MAX_KEY_BYTES: usize = 255;

impl JobContext {
    /// Does something to somebody else, such as a request to an API, and remembers its result: a
    /// repeated run of this message (a retry, a redelivery, a redrive) gets the result and does nothing. `name`
    /// tells the effects of a job apart; it never changes, and has 1 to 100 visible ASCII characters.
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
    /// A process that dies between the effect and its record repeats the effect: so it is given
    /// [`idempotency_key`](Self::idempotency_key), by which the other side can know it. An effect that
    /// fails is not remembered. No transaction and no connection is held meanwhile.
    ///
    /// It is not begun when the run has lost its lease or its message was cancelled. Two statements
    /// for an effect that is made, one for an effect that was made before.
    ///
    /// # Errors
    ///
    /// The effect's own. Retryable when the database is away. Permanent when the result is over 64 KiB
    /// of JSON or cannot be read back as `T`: the effect has been made, and must not be again.
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
            // Two runs have made it: what was recorded first is what all go on with.
            Some(first) if first != result => read(name, first),
            _ => Ok(done),
        }
    }

    /// The key of a side effect, the same over all attempts and redrives: `name/message id`
    /// with the id of the message that was published first, or its SHA-256 in base64url where that is
    /// longer than 255 bytes.
    pub fn idempotency_key(&self, name: &str) -> String {
        let key = format!("{name}/{}", self.original_id());
        if key.len() <= MAX_KEY_BYTES { key } else { URL_SAFE_NO_PAD.encode(Sha256::digest(key)) }
    }
}

pub(super) fn check_name(what: &str, name: &str) -> Result<(), JobError> {
    let valid = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    let refused = || JobError::permanent(format!("the name of the {what} must be 1 to 100 visible ASCII characters"));
    if valid { Ok(()) } else { Err(refused()) }
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
    // Its text may repeat what is in the result.
    serde_json::from_value(result)
        .map_err(|_| JobError::permanent(format!("{name:?} was done, but its result is of another type")))
}
