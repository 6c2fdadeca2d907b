//! The span of an attempt. The request has its trace context, so that spans of the handler are its children.

use sigpost_qstash::names::TRACEPARENT;
use sigpost_runtime::outgoing::Response;
use sigpost_runtime::traces::{self, Operation, Span, correlation_id};
use sigpost_store::claim::Lease;
use url::Url;

use super::send::SendError;

/// Starts the span of an attempt.
pub(super) fn attempt(lease: &Lease) -> Option<Span> {
    let message = &lease.message;
    let mut span = traces::begin(Operation::Deliver, || message.header.get(TRACEPARENT))?;
    span.message(message.id, correlation_id(&message.header));
    span.set("sigpost.attempt", i64::from(lease.retried) + 1);
    if let Some(host) = Url::parse(&message.url).ok().as_ref().and_then(Url::host_str) {
        span.set("server.address", host.to_owned());
    }
    Some(span)
}

/// Ends the span.
pub(super) fn ended(span: Option<Span>, result: &Result<Response, SendError>) {
    let Some(mut span) = span else { return };
    match result {
        Ok(response) => {
            span.set("http.response.status_code", i64::from(response.status));
            if !(200..300).contains(&response.status) {
                span.fail(response.status.to_string());
            }
        }
        Err(error) => span.fail(error.kind()),
    }
}
