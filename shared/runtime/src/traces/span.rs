//! Spans. Names and attributes follow OpenTelemetry's conventions for messaging where these exist:
//! <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>.

use std::fmt::Display;

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::Span as SdkSpan;
use sigpost_qstash::names::{MAX_CORRELATION_ID_BYTES, TRACEPARENT, X_CORRELATION_ID};
use sigpost_qstash::{Headers, Traceparent};

use super::TRACES;

/// The operation of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Accepting a message.
    Publish,
    /// An attempt to deliver a message.
    Deliver,
    /// A run of a handler.
    Run,
}

impl Operation {
    /// Returns the name, the convention's term and the kind.
    const fn names(self) -> (&'static str, &'static str, SpanKind) {
        match self {
            Self::Publish => ("publish", "create", SpanKind::Producer),
            Self::Deliver => ("deliver", "send", SpanKind::Client),
            Self::Run => ("run", "process", SpanKind::Consumer),
        }
    }
}

/// A started span. It ends on drop.
#[derive(Debug)]
pub struct Span(Box<Inner>);

#[derive(Debug)]
struct Inner {
    span: SdkSpan,
    place: Traceparent,
}

/// Starts a span if traces are on; else `parent` is not called. Without a valid parent the span starts a trace.
pub fn begin<'a>(operation: Operation, parent: impl FnOnce() -> Option<&'a str>) -> Option<Span> {
    let traces = TRACES.get()?;
    let (name, kind_of_operation, kind) = operation.names();
    let attributes = [
        KeyValue::new("messaging.system", "sigpost"),
        KeyValue::new("messaging.operation.name", name),
        KeyValue::new("messaging.operation.type", kind_of_operation),
    ];
    let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
    let parent = parent().and_then(Traceparent::parse).and_then(|place| context(&place));
    let parent = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
    let span = traces.tracer.build_with_context(builder, &parent);
    let place = place(span.span_context())?;
    Some(Span(Box::new(Inner { span, place })))
}

/// Starts the span of a message that is to be stored with these forwarded headers. The headers then carry its
/// context, so that all later spans of the message are its descendants.
pub fn publish(id: impl Display, header: &mut Headers) -> Option<Span> {
    let mut span = begin(Operation::Publish, || header.get(TRACEPARENT))?;
    span.message(id, correlation_id(header));
    header.insert(TRACEPARENT, span.place().to_string());
    Some(span)
}

/// Returns the correlation ID that the sender set, if any.
pub fn correlation_id(header: &Headers) -> Option<&str> {
    header.get(X_CORRELATION_ID).filter(|id| id.len() <= MAX_CORRELATION_ID_BYTES)
}

fn context(place: &Traceparent) -> Option<SpanContext> {
    let trace_id = TraceId::from_hex(place.trace_id()).ok()?;
    let span_id = SpanId::from_hex(place.span_id()).ok()?;
    let flags = TraceFlags::default().with_sampled(place.is_sampled());
    Some(SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE))
}

fn place(context: &SpanContext) -> Option<Traceparent> {
    let (trace_id, span_id, flags) = (context.trace_id(), context.span_id(), context.trace_flags());
    Traceparent::parse(&format!("00-{trace_id}-{span_id}-{flags:02x}"))
}

impl Span {
    /// Returns the span's context, the parent of further spans.
    pub fn place(&self) -> &Traceparent {
        &self.0.place
    }

    /// Appends a name to the operation.
    pub fn name(&mut self, name: String) {
        self.0.span.update_name(name);
    }

    /// Sets the message ID and the correlation ID.
    pub fn message(&mut self, id: impl Display, correlation_id: Option<&str>) {
        self.set("messaging.message.id", id.to_string());
        if let Some(id) = correlation_id {
            self.set("messaging.message.conversation_id", id.to_owned());
        }
    }

    /// Sets an attribute. Call it once per name, and never with the content of a payload, a URL or a response:
    /// collectors may belong to third parties.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.span.set_attribute(KeyValue::new(name, value));
    }

    /// Marks the span as failed, with a reason from a fixed set of words.
    pub fn fail(&mut self, reason: impl Into<Value>) {
        self.set("error.type", reason);
        self.0.span.set_status(Status::error(""));
    }
}
