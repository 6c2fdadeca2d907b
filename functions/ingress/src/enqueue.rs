//! Enqueues the job of an event once.

use std::time::Duration;

use sigpost_jobs::{EnqueueError, EnqueueOptions, Handlers, Job, enqueue_in};
use sigpost_qstash::ErrorCode;
use sigpost_runtime::ApiError;
use sigpost_store::Database;

/// Deduplication window of event IDs. Stripe retries for three days, Resend for one.
const KNOWN_FOR: Duration = Duration::from_secs(7 * 86_400);

/// Stores the job unless the event's ID is known, in one statement.
///
/// # Errors
///
/// 400 if the event is invalid, so retries do not help; 503 if the database is unavailable.
pub(crate) async fn enqueue_once<J: Job>(
    database: &Database,
    handlers: &Handlers,
    job: &J,
    event_id: String,
) -> Result<(), ApiError> {
    let options = EnqueueOptions {
        deduplication_id: Some(event_id),
        deduplication_window: KNOWN_FOR,
        ..EnqueueOptions::default()
    };
    let mut conn = database.connection().await?;
    match enqueue_in(&mut conn, handlers, job, options).await {
        Ok(message_id) => {
            tracing::info!(job_type = J::TYPE, %message_id, "webhook accepted");
            Ok(())
        }
        Err(EnqueueError::Invalid(invalid)) => {
            Err(ApiError::new(ErrorCode::InvalidBody, format!("Invalid payload. {invalid}")))
        }
        Err(EnqueueError::Database(why)) => Err(why.into()),
        Err(why) => Err(ApiError::internal(why)),
    }
}
