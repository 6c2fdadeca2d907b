//! Enqueuing inside a transaction: the job exists exactly if the data does.

use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash::{Headers, MessageId, Method, Start, explicit_key};
use sigpost_store::AsyncPgConnection;
use sigpost_store::accept::{Arrival, Deduplicate, LeaseTerms, NewMessage, accept};
use sigpost_store::messages::{Extras, Message};

use crate::publication::Publication;
use crate::{EnqueueError, EnqueueOptions, Handlers, Job};

/// Stores a job's message in the caller's transaction, in the deployment's database. When it commits,
/// dispatchers that listen are woken; when it does not, there never was a message.
///
/// `handlers` says where the job is run, e.g. `Handlers::at("https://jobs.example.com")`. Returns the message, or the earlier one that has
/// the same deduplication id.
///
/// # Errors
///
/// [`EnqueueError::Invalid`] before anything is sent to the database; [`EnqueueError::Database`]
/// after, and then the transaction cannot go on.
pub async fn enqueue_in<J: Job>(
    conn: &mut AsyncPgConnection,
    handlers: &Handlers,
    job: &J,
    options: EnqueueOptions,
) -> Result<MessageId, EnqueueError> {
    let publication = Publication::new(handlers, job, &options, Timestamp::now())?;
    let id = MessageId::new();
    let new = new_message(id, publication, options.deduplication_window);
    // Never leased here: the lease would be running before the caller has committed.
    let accepted = accept(conn, &[Arrival { new, leased: false }], LeaseTerms::NONE, true).await?;
    let earlier = accepted.duplicate_of.into_iter().next().flatten();
    tracing::debug!(job_type = J::TYPE, message_id = %earlier.unwrap_or(id), "[jobs] Job enqueued in a transaction");
    Ok(earlier.unwrap_or(id))
}

pub(crate) fn new_message(id: MessageId, publication: Publication, deduplication_window: Duration) -> NewMessage {
    let Publication { destination, body, retries, timeout, delay, deduplication_id, headers } = publication;
    let mut header = Headers::default();
    header.insert("Content-Type", "application/json");
    for (name, value) in headers {
        header.insert(name, value);
    }
    NewMessage {
        start: if delay.is_zero() { Start::Now } else { Start::After(delay) },
        deduplicate: deduplication_id.map(|id| Deduplicate {
            key: explicit_key(&id),
            window: deduplication_window,
            release_on_failure: false,
        }),
        message: Message {
            id,
            url: destination.as_str().to_owned(),
            method: Method::Post,
            header,
            body: body.into(),
            retries,
            timeout: Some(timeout),
            retry_delay: None,
            callback: None,
            failure_callback: None,
            labels: Vec::new(),
            caller_ip: None,
            callback_of: None,
            extras: Extras::default(),
        },
    }
}
