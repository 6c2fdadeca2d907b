//! Callbacks: reports about deliveries. They are messages too: stored, signed and retried.

use sigpost_qstash::{Callback, CallbackBody, CallbackKind, DeadLetterId, MessageId, without_user_info};
use sigpost_store::accept::NewMessage;
use sigpost_store::claim::Lease;
use sigpost_store::messages::{Extras, Message};
use sigpost_store::record::{Next, Outcome};

use crate::deduplicate::{Deduplicating, deduplicate};
use crate::trace;

/// Whether the message has a callback.
pub(super) fn wants_reports(lease: &Lease) -> bool {
    lease.message.callback.is_some() || lease.message.failure_callback.is_some()
}

/// Returns the size of the reports about a delivery in bytes: message and response in base64.
pub(super) fn size(lease: &Lease, outcome: &Outcome, of_response: usize) -> usize {
    let message = &lease.message;
    let reports = message.callback.iter().count() + usize::from(is_last(lease, outcome));
    reports * (message.body.len() + message.header.size_bytes() + of_response) / 3 * 4
}

fn is_last(lease: &Lease, outcome: &Outcome) -> bool {
    outcome.next == Next::Failed && lease.message.failure_callback.is_some()
}

/// Creates the reports about a recorded delivery: to the callback after every attempt, to the failure callback after the
/// last one. Callbacks have no callbacks.
pub(super) fn reports(
    lease: &Lease,
    outcome: &Outcome,
    dead_letter: Option<DeadLetterId>,
    deduplicating: &Deduplicating,
) -> Vec<NewMessage> {
    let message = &lease.message;
    let attempted = !matches!(outcome.next, Next::GivenBack(_));
    let every =
        message.callback.as_deref().filter(|_| attempted).map(|callback| (callback, CallbackKind::Callback, None));
    let last = message.failure_callback.as_deref().filter(|_| outcome.next == Next::Failed);
    every
        .into_iter()
        .chain(last.map(|callback| (callback, CallbackKind::FailureCallback, dead_letter)))
        .map(|(callback, kind, dead_letter)| {
            let id = MessageId::of_callback(message.id, kind, lease.retried);
            report(id, callback, lease, &body(lease, outcome, dead_letter), deduplicating)
        })
        .collect()
}

fn body(lease: &Lease, outcome: &Outcome, dlq_id: Option<DeadLetterId>) -> CallbackBody {
    let message = &lease.message;
    let response = outcome.response.clone();
    CallbackBody {
        status: response.as_ref().map_or(0, |response| response.status),
        header: response.as_ref().map(|response| response.header.clone()).unwrap_or_default(),
        body: response.map(|response| response.body).unwrap_or_default(),
        retried: lease.retried,
        max_retries: message.retries,
        dlq_id,
        source_message_id: message.id,
        topic_name: message.extras.topic_name.clone(),
        endpoint_name: message.extras.endpoint_name.clone(),
        url: without_user_info(message.url.clone()).0,
        method: message.method,
        source_header: message.header.shown(),
        source_body: message.body.clone(),
        not_before: lease.not_before_ms,
        created_at: lease.created_at_ms,
        schedule_id: message.extras.schedule_id.clone(),
        caller_ip: message.caller_ip.clone(),
        error: outcome.error.clone().filter(|_| outcome.response.is_none()),
    }
}

/// Creates a report. Options that the callback does not set are those of its message. The redaction of the message applies
/// to its callbacks too.
fn report(
    id: MessageId,
    callback: &Callback,
    lease: &Lease,
    body: &CallbackBody,
    deduplicating: &Deduplicating,
) -> NewMessage {
    let (message, options) = (&lease.message, &callback.options);
    // With capacity for the bodies, to avoid reallocation.
    let mut json = Vec::with_capacity((body.source_body.len() + body.body.len()) / 3 * 4 + 1024);
    // Serializing strings and numbers cannot fail.
    let _ = serde_json::to_writer(&mut json, body);
    let body = bytes::Bytes::from(json);
    let mut header = options.headers.clone();
    if header.get("Content-Type").is_none() {
        header.insert("Content-Type", "application/json");
    }
    if let Some(authorization) = callback.url.authorization() {
        header.set_url_authorization(authorization);
    }
    trace::report(&mut header, &message.header);
    let report = Message {
        id,
        url: callback.url.as_str().to_owned(),
        method: options.method,
        header,
        body,
        retries: options.retries.unwrap_or(message.retries),
        timeout: options.timeout.or(message.timeout),
        retry_delay: options.retry_delay.clone().or_else(|| message.retry_delay.clone()),
        callback: None,
        failure_callback: None,
        labels: options.labels.clone(),
        caller_ip: message.caller_ip.clone(),
        callback_of: Some(message.id),
        extras: Extras {
            queue_name: options.queue_name.clone(),
            flow_control: options.flow_control.clone(),
            priority: options.priority,
            redact: options.redact.clone().union(&message.extras.redact),
            keeps_waiting: message.extras.queue_name.clone(),
            ..Extras::default()
        },
    };
    let deduplicate = deduplicate(options, &report, deduplicating);
    NewMessage { message: report, start: options.start, deduplicate }
}
