//! One span. Names and attributes are those of OpenTelemetry's conventions for messaging, as far as there are:
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

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A message is accepted.
    Publish,
    /// An attempt to deliver it.
    Deliver,
    /// A handler's run.
    Run,
}

impl Operation {
    /// Its own name, the convention's word for it, and its kind.
    const fn names(self) -> (&'static str, &'static str, SpanKind) {
        match self {
            Self::Publish => ("publish", "create", SpanKind::Producer),
            Self::Deliver => ("deliver", "send", SpanKind::Client),
            Self::Run => ("run", "process", SpanKind::Consumer),
        }
    }
}

/// A span that has begun. It ends when it is dropped.
#[derive(Debug)]
pub struct Span(Box<Inner>);

#[derive(Debug)]
struct Inner {
    span: SdkSpan,
    place: Traceparent,
}

/// Begins a span, if traces are on; else `parent` is not asked. Without a valid parent it begins a trace.
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

/// Begins the span of a message that is to be stored, with these headers to be forwarded. They carry its place from here
/// on: all that becomes of the message is below it.
pub fn publish(id: impl Display, header: &mut Headers) -> Option<Span> {
    let mut span = begin(Operation::Publish, || header.get(TRACEPARENT))?;
    span.message(id, correlation_id(header));
    header.insert(TRACEPARENT, span.place().to_string());
    Some(span)
}

/// What a message belongs to, if its sender says so.
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
    /// Its place in its trace, for what is below it.
    pub fn place(&self) -> &Traceparent {
        &self.0.place
    }

    /// Says what it is of more closely, after the operation.
    pub fn name(&mut self, name: String) {
        self.0.span.update_name(name);
    }

    /// Says which message it is about, and what that belongs to.
    pub fn message(&mut self, id: impl Display, correlation_id: Option<&str>) {
        self.set("messaging.message.id", id.to_string());
        if let Some(id) = correlation_id {
            self.set("messaging.message.conversation_id", id.to_owned());
        }
    }

    /// Sets an attribute. Once each, and never to what a payload, a URL or an answer says: collectors belong to others.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.span.set_attribute(KeyValue::new(name, value));
    }

    /// Marks it as failed, for a reason in a word that is always the same.
    pub fn fail(&mut self, reason: impl Into<Value>) {
        self.set("error.type", reason);
        self.0.span.set_status(Status::error(""));
    }
}
