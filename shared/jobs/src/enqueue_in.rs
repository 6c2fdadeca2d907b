//! Enqueuing inside a transaction: the job is stored with the data or not at all.

use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash::{Headers, MessageId, Method, Start, explicit_key};
use sigpost_runtime::traces;
use sigpost_store::AsyncPgConnection;
use sigpost_store::accept::{Arrival, Deduplicate, LeaseTerms, NewMessage, accept};
use sigpost_store::messages::{Extras, Message};

use crate::publication::Publication;
use crate::{EnqueueError, EnqueueOptions, Handlers, Invalid, Job};

/// Stores a job's message in the caller's transaction, in the deployment's database. The commit wakes the dispatchers that
/// listen; a rollback removes the message.
///
/// `handlers` has the URLs of the handlers, for example `Handlers::at("https://jobs.example.com")`. Returns the message ID,
/// or that of the earlier message with the same deduplication ID.
///
/// # Errors
///
/// [`EnqueueError::Invalid`] before any statement; [`EnqueueError::Database`] for a failed statement, which aborts the
/// transaction.
pub async fn enqueue_in<J: Job>(
    conn: &mut AsyncPgConnection,
    handlers: &Handlers,
    job: &J,
    options: EnqueueOptions,
) -> Result<MessageId, EnqueueError> {
    let (id, arrival) = arrival(handlers, job, &options)?;
    let accepted = accept(conn, &[arrival], LeaseTerms::NONE, true).await?;
    let id = accepted.duplicate_of.into_iter().next().flatten().unwrap_or(id);
    tracing::debug!(job_type = J::TYPE, message_id = %id, "[jobs] Job enqueued in a transaction");
    Ok(id)
}

/// Stores many jobs in one statement: all of them or none. Returns their message IDs in the order of the jobs. Of two jobs
/// with the same deduplication ID, the second one returns the ID of the first.
///
/// # Errors
///
/// As [`enqueue_in`]. The error names an invalid job by its index, for example `jobs[3].to`.
pub async fn enqueue_many_in<J: Job>(
    conn: &mut AsyncPgConnection,
    handlers: &Handlers,
    jobs: &[(J, EnqueueOptions)],
) -> Result<Vec<MessageId>, EnqueueError> {
    let (mut ids, mut arrivals) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
    for (index, (job, options)) in jobs.iter().enumerate() {
        let (id, arrival) = arrival(handlers, job, options)
            .map_err(|invalid| Invalid::new(format!("jobs[{index}].{}", invalid.field), invalid.reason))?;
        ids.push(id);
        arrivals.push(arrival);
    }
    if arrivals.is_empty() {
        return Ok(ids);
    }
    let accepted = accept(conn, &arrivals, LeaseTerms::NONE, true).await?;
    tracing::debug!(job_type = J::TYPE, count = ids.len(), "[jobs] Jobs enqueued in a transaction");
    Ok(accepted.duplicate_of.into_iter().zip(ids).map(|(earlier, id)| earlier.unwrap_or(id)).collect())
}

/// Returns the arrival of a job. It is not leased, because the lease would start before the caller commits.
fn arrival<J: Job>(handlers: &Handlers, job: &J, options: &EnqueueOptions) -> Result<(MessageId, Arrival), Invalid> {
    let publication = Publication::new(handlers, job, options, Timestamp::now())?;
    let id = MessageId::new();
    Ok((id, Arrival { new: new_message(id, publication, options.deduplication_window), leased: false }))
}

pub(crate) fn new_message(id: MessageId, publication: Publication, deduplication_window: Duration) -> NewMessage {
    let Publication { destination, body, retries, timeout, delay, deduplication_id, headers } = publication;
    let mut header = Headers::default();
    header.insert("Content-Type", "application/json");
    for (name, value) in headers {
        header.insert(name, value);
    }
    // The span ends here, because the transaction belongs to the caller.
    drop(traces::publish(id, &mut header));
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
