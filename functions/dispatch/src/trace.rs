//! What a publish leaves in a trace: see `docs/src/guides/observability.md`.

use sigpost_qstash::names::TRACEPARENT;
use sigpost_qstash::{Headers, MessageId};
use sigpost_runtime::traces::{self, Span};
use sigpost_store::Error;
use sigpost_store::messages::Message;

/// A message is to be stored.
pub(crate) fn publish(message: &mut Message) -> Option<Span> {
    traces::publish(message.id, &mut message.header)
}

/// It was, or not.
pub(crate) fn published(span: Option<Span>, result: &Result<Option<MessageId>, Error>) {
    let Some(mut span) = span else { return };
    match result {
        Ok(None) => {}
        Ok(Some(earlier)) => span.set("sigpost.duplicate_of", earlier.to_string()),
        Err(_) => span.fail("not_stored"),
    }
}

/// A report belongs to the trace of what it reports on, unless its options say otherwise.
pub(crate) fn report(header: &mut Headers, reported: &Headers) {
    if traces::are_on()
        && header.get(TRACEPARENT).is_none()
        && let Some(place) = reported.get(TRACEPARENT)
    {
        header.insert(TRACEPARENT, place);
    }
}
