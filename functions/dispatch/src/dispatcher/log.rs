//! A log event for each attempt, with IDs but without contents of the message.
//!
//! Failures have the level `info` or `warn`, deliveries `debug`: `RUST_LOG=info,sigpost::message=debug` shows all.

use std::time::Duration;

use sigpost_qstash::MessageId;
use sigpost_runtime::traces::correlation_id;
use sigpost_store::claim::Lease;
use sigpost_store::record::{Next, Outcome};

/// Logs an attempt with the outcome that will be recorded.
pub(super) fn attempt(lease: &Lease, outcome: &Outcome, took: Duration) {
    let id = lease.message.id;
    let correlation_id = correlation_id(&lease.message.header);
    let attempt = lease.retried + 1;
    let status = outcome.response.as_ref().map(|response| response.status);
    let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
    let error = outcome.error.as_deref();
    match outcome.next {
        Next::Delivered => tracing::debug!(
            target: "sigpost::message", message_id = %id, correlation_id, attempt, status, duration_ms, "delivered"
        ),
        Next::Retry(delay) => tracing::info!(
            target: "sigpost::message", message_id = %id, correlation_id, attempt, status, duration_ms, error,
            retry_in_s = delay.as_secs_f64(), "attempt failed, will be retried"
        ),
        Next::Failed => tracing::warn!(
            target: "sigpost::message", message_id = %id, correlation_id, attempt, status, duration_ms, error,
            "moved to the dead-letter queue"
        ),
        Next::GivenBack(_) => tracing::info!(
            target: "sigpost::message", message_id = %id, correlation_id, attempt, "released without a recorded attempt"
        ),
    }
}

/// Logs an accepted message.
pub(super) fn accepted(id: MessageId) {
    tracing::debug!(target: "sigpost::message", message_id = %id, "accepted");
}
