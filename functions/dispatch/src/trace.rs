//! Spans of a publish: see `docs/src/guides/observability.md`.

use sigpost_qstash::names::TRACEPARENT;
use sigpost_qstash::{Headers, MessageId};
use sigpost_runtime::traces::{self, Span};
use sigpost_store::Error;
use sigpost_store::messages::Message;

/// Begins the span of a message that is about to be stored.
pub(crate) fn publish(message: &mut Message) -> Option<Span> {
    traces::publish(message.id, &mut message.header)
}

/// Ends the span with the result.
pub(crate) fn published(span: Option<Span>, result: &Result<Option<MessageId>, Error>) {
    let Some(mut span) = span else { return };
    match result {
        Ok(None) => {}
        Ok(Some(earlier)) => span.set("sigpost.duplicate_of", earlier.to_string()),
        Err(_) => span.fail("not_stored"),
    }
}

/// Adds a callback to the trace of its message, unless its options set another trace.
pub(crate) fn report(header: &mut Headers, reported: &Headers) {
    if traces::are_on()
        && header.get(TRACEPARENT).is_none()
        && let Some(place) = reported.get(TRACEPARENT)
    {
        header.insert(TRACEPARENT, place);
    }
}
