//! Traces exported to a collector, and operation without one.

use std::net::TcpListener;
use std::path::Path;

use axum::Router;
use axum::http::HeaderMap;
use reqwest::Client;
use serde_json::{Value, json};
use sigpost_qstash::DEV_TOKEN;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::collector::{Collector, Span};
use crate::running::{Running, finished, folder, sigpost};
use crate::serve::stderr;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00f067aa0ba902b7";

// Span kinds of OTLP.
const CLIENT: i32 = 3;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

/// Starts `sigpost dev` with these variables. Returns it and its URL.
fn dev(data_dir: &Path, variables: &[(&str, &str)]) -> (Running, String) {
    let mut command = sigpost(&["dev", "--port", "0", "--data-dir"]);
    command.arg(data_dir).env("RUST_LOG", "info,sigpost::message=debug").envs(variables.iter().copied());
    let mut dev = Running::start(command);
    let line = dev.wait_for("sigpost runs on ");
    let url = line.trim_start_matches("sigpost runs on ").split(". ").next().expect("a URL").to_owned();
    dev.wait_for("Ctrl-C stops it.");
    (dev, url)
}

/// Publishes a message without retries and returns its ID.
async fn publish(url: &str, destination: &str, headers: &[(&str, &str)], body: &Value) -> String {
    let request = Client::new().post(format!("{url}/v2/publish/{destination}")).bearer_auth(DEV_TOKEN).json(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer: Value =
        request.header("Upstash-Retries", "0").send().await.expect("a response").json().await.expect("JSON");
    answer["messageId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Starts a destination that forwards the received headers to the channel.
async fn destination() -> (String, UnboundedReceiver<HeaderMap>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (sender, received) = unbounded_channel();
    let answer = async move |headers: HeaderMap| drop(sender.send(headers));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (url, received)
}

/// Returns the only child span with this name.
fn below<'a>(spans: &'a [Span], parent_id: &str, name: &str) -> &'a Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.parent_id == parent_id && span.name == name).collect();
    let [one] = found[..] else { panic!("{} spans {name} below {parent_id} in {spans:#?}", found.len()) };
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_publish_over_its_run_to_the_run_of_the_follow_up_job_it_is_one_trace() {
    let (collector, folder) = (Collector::start().await, folder());
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20key");
    let (mut dev, url) = dev(folder.path(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url), headers]);
    let export = json!({ "entityType": "jobExecutions", "format": "csv", "recipients": ["ada@example.com"] });
    let sent = format!("00-{TRACE}-{SENDER}-01");
    let headers = [("Upstash-Forward-Traceparent", sent.as_str()), ("Upstash-Forward-X-Correlation-Id", "order-7")];
    let id = publish(&url, &format!("{url}/api/jobs/export"), &headers, &export).await;
    // The deliveries of this message and of the e-mail, in any order.
    for _ in 0..2 {
        while !dev.wait_for("delivered").contains("order-7") {}
    }
    dev.signal("TERM");
    assert!(dev.ended().success());

    let spans = collector.spans();
    let published = below(&spans, SENDER, "publish");
    let delivered = below(&spans, &published.span_id, "deliver");
    let run = below(&spans, &delivered.span_id, "run export-data");
    let follow_up = below(&spans, &run.span_id, "publish");
    let its_delivery = below(&spans, &follow_up.span_id, "deliver");
    let its_run = below(&spans, &its_delivery.span_id, "run send-email");
    let all = [published, delivered, run, follow_up, its_delivery, its_run];
    assert_eq!(all.map(|span| span.kind), [PRODUCER, CLIENT, CONSUMER, PRODUCER, CLIENT, CONSUMER]);
    for span in all {
        assert_eq!((span.trace_id.as_str(), span.failed), (TRACE, false), "{span:?}");
        assert_eq!(span.attribute("messaging.message.conversation_id"), "order-7");
        assert_eq!((span.attribute("messaging.system"), span.attribute("service.name")), ("sigpost", "sigpost"));
    }
    for span in [published, delivered, run] {
        assert_eq!(span.attribute("messaging.message.id"), id);
    }
    for span in [follow_up, its_delivery, its_run] {
        assert_eq!(span.attribute("messaging.message.id"), follow_up.attribute("messaging.message.id"));
        assert_ne!(span.attribute("messaging.message.id"), id);
    }
    assert_eq!(delivered.attribute("http.response.status_code"), "200");
    assert_eq!((delivered.attribute("server.address"), delivered.attribute("sigpost.attempt")), ("127.0.0.1", "1"));
    assert_eq!((run.attribute("sigpost.job_type"), run.attribute("sigpost.run_id").len()), ("export-data", 36));

    for request in collector.requests() {
        assert_eq!(
            (request.path.as_str(), &request.headers["api-key"]),
            ("/v1/traces", &"a key".parse().expect("a value"))
        );
        assert_eq!(request.headers["content-type"], "application/x-protobuf");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_and_runs_that_fail_are_marked_with_a_word_that_tells_nothing_else() {
    let (collector, folder) = (Collector::start().await, folder());
    let (mut dev, url) = dev(folder.path(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)]);
    let unreachable = publish(&url, "http://127.0.0.1:1/path?query", &[], &json!({})).await;
    while !dev.wait_for("moved to the dead-letter queue").contains(&unreachable) {}
    // A file at the path of the exports folder.
    let files = folder.path().join("files");
    let _ = std::fs::remove_dir_all(&files);
    std::fs::write(&files, "").expect("a file");
    let export = json!({ "entityType": "jobExecutions", "format": "csv", "recipients": ["ada@example.com"] });
    let unwritable = publish(&url, &format!("{url}/api/jobs/export"), &[], &export).await;
    while !dev.wait_for("moved to the dead-letter queue").contains(&unwritable) {}
    dev.signal("TERM");
    assert!(dev.ended().success());

    let spans = collector.spans();
    let publish_of = |id: &str| {
        let found = spans.iter().find(|span| span.name == "publish" && span.attribute("messaging.message.id") == id);
        found.expect("a span")
    };
    let failed = |span: &Span, reason: &str| assert_eq!((span.failed, span.attribute("error.type")), (true, reason));
    let published = publish_of(&unreachable);
    assert!(published.parent_id.is_empty() && !published.failed, "{published:?}");
    failed(below(&spans, &published.span_id, "deliver"), "not_connected");
    let delivered = below(&spans, &publish_of(&unwritable).span_id, "deliver");
    failed(delivered, "500");
    failed(below(&spans, &delivered.span_id, "run export-data"), "retryable");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_traces_are_off_nothing_is_exported_and_headers_go_on_as_they_came() {
    let (collector, folder) = (Collector::start().await, folder());
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("OTEL_SDK_DISABLED", "true")];
    let (mut dev, url) = dev(folder.path(), &variables);
    let (destination, mut received) = destination().await;
    let sent = format!("00-{TRACE}-{SENDER}-01");
    publish(&url, &destination, &[("Upstash-Forward-Traceparent", sent.as_str())], &json!({})).await;
    assert_eq!(received.recv().await.expect("a delivery")["traceparent"], sent);
    publish(&url, &destination, &[], &json!({})).await;
    assert_eq!(received.recv().await.expect("a delivery").get("traceparent"), None);
    dev.signal("TERM");
    assert!(dev.ended().success());
    assert!(collector.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn unavailable_collector_is_logged_once() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = (format!("http://{}", silent.local_addr().expect("an address")), Some(silent));
    for (endpoint, _listener) in [("http://127.0.0.1:1".to_owned(), None), silent] {
        let folder = folder();
        // Export ended spans after 50 ms.
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
        let (mut dev, url) = dev(folder.path(), &variables);
        let (destination, mut received) = destination().await;
        for _ in 0..3 {
            let id = publish(&url, &destination, &[], &json!({})).await;
            let delivered = received.recv().await.expect("a delivery");
            assert!(delivered.contains_key("traceparent"));
            while !dev.wait_for(&id).contains("delivered") {}
        }
        dev.signal("TERM");
        assert!(dev.ended().success());
        assert_eq!(dev.output().matches("traces cannot be exported").count(), 1, "{}", dev.output());
    }
}

#[test]
fn what_cannot_be_used_stops_the_start() {
    let mut command = sigpost(&["dev", "--port", "0"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    let output = finished(command);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL"), "{said}");

    let mut command = sigpost(&["config", "check"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317").env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let said = String::from_utf8_lossy(&finished(command).stdout).into_owned();
    assert!(said.contains("error: OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"), "{said}");
}
