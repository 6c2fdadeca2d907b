//! Traces: spans of a message's life, sent over OTLP to a collector. Off unless an endpoint is set.
//!
//! Spans are created explicitly, at the places that `docs/src/guides/observability.md` lists, and not from log
//! events: so no logged value gets into a trace, and with traces off a span costs one read of a variable.

mod collector;
mod settings;
mod span;

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::time::timeout;

use crate::env;
use crate::settings::OTEL_SERVICE_NAME;
use collector::Collector;
pub use settings::{Settings, Unusable};
pub use span::{Operation, Span, begin, correlation_id, publish};

/// Maximum time that [`flush`] waits. Spans that are not sent by then stay in the queue.
const FLUSH: Duration = Duration::from_secs(2);

static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    collector: Collector,
}

/// Starts traces if the environment configures an endpoint and all settings are valid. Call it once per process,
/// within its runtime. A thread of OpenTelemetry's then collects at most 2,048 spans, and sends them every five
/// seconds.
///
/// # Errors
///
/// The exporter cannot be created.
pub fn start() -> Result<()> {
    let Ok(Some(settings)) = Settings::from_env() else { return Ok(()) };
    let collector = Collector::new()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(collector.clone())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(settings.endpoint)
        .with_headers(settings.headers)
        .build()
        .context("cannot create the exporter of traces")?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(settings.sampler)
        .with_resource(resource(settings.service_name))
        .build();
    let tracer = provider.tracer("sigpost");
    let _ = TRACES.set(Traces { provider, tracer, collector });
    Ok(())
}

/// Returns whether this process creates spans.
pub fn are_on() -> bool {
    TRACES.get().is_some()
}

/// Sends the ended spans, before a process ends or is frozen. Waits for at most two seconds, and not at all while the
/// collector is unavailable.
pub async fn flush() {
    let Some(traces) = TRACES.get() else { return };
    if traces.collector.is_away() {
        return;
    }
    let provider = traces.provider.clone();
    // The call blocks until the collector has responded, so it runs on a blocking thread.
    let flushed = tokio::task::spawn_blocking(move || provider.force_flush());
    let _ = timeout(FLUSH, flushed).await;
}

/// Returns the resource of the spans: this function or program, unless the environment names another one.
fn resource(service_name: Option<String>) -> Resource {
    let builder = Resource::builder_empty()
        .with_service_name(own_name())
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()));
    match service_name {
        Some(name) => builder.with_service_name(name).build(),
        None => builder.build(),
    }
}

fn own_name() -> String {
    let program = || Some(std::env::current_exe().ok()?.file_stem()?.to_str()?.to_owned());
    env::function_name().or_else(program).unwrap_or_else(|| OTEL_SERVICE_NAME.default_as())
}
