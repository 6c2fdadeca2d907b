//! A collector that receives and decodes traces over OTLP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use tokio::net::TcpListener;

/// Collector on a free port.
pub(crate) struct Collector {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// Export request as received.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Span with its IDs in hexadecimal.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) kind: i32,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) parent_id: String,
    pub(crate) failed: bool,
    /// Attributes of the span and of its resource.
    attributes: HashMap<String, String>,
}

impl Span {
    /// Returns the value of an attribute, or an empty string if it is missing.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

impl Collector {
    /// Starts the collector. Needs a runtime with `flavor = "multi_thread"`, because tests block.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let take =
            async |State(requests): State<Arc<Mutex<Vec<Request>>>>, uri: Uri, headers: HeaderMap, body: Bytes| {
                let request = Request { path: uri.path().to_owned(), headers, body };
                requests.lock().expect("lock").push(request);
            };
        let router = Router::new().fallback(take).with_state(Arc::clone(&requests));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, requests }
    }

    /// Returns all received requests.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("lock").clone()
    }

    /// Returns all received spans.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.requests().into_iter().flat_map(|request| spans(request.body)).collect()
    }
}

fn spans(body: Bytes) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).expect("an export");
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.expect("a resource").attributes;
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
            let attributes = resource.iter().cloned().chain(span.attributes).map(|attribute| {
                let value = attribute.value.and_then(|value| value.value).expect("a value");
                let text = match value {
                    Value::StringValue(text) => text,
                    Value::IntValue(number) => number.to_string(),
                    other => panic!("{other:?}"),
                };
                (attribute.key, text)
            });
            let status = span.status.unwrap_or_default();
            assert_eq!(status.message, "");
            spans.push(Span {
                name: span.name,
                kind: span.kind,
                trace_id: hex(&span.trace_id),
                span_id: hex(&span.span_id),
                parent_id: hex(&span.parent_span_id),
                failed: status.code == 2,
                attributes: attributes.collect(),
            });
        }
    }
    spans
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
