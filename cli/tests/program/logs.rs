//! Secrets and payloads do not appear in the log or in traces, at any log level.

use reqwest::Client;
use serde_json::{Value, json};
use sigpost_qstash::DEV_TOKEN;

use crate::collector::Collector;
use crate::running::{Running, folder, sigpost};

/// Marker in all data that does not belong to the operator.
const MARK: &str = "m4rk3d";

/// Returns a valid and an invalid job of each type. All user data contains the marker.
fn jobs() -> Vec<(&'static str, Value)> {
    let email = |template: &str| {
        json!({ "template": template, "to": format!("{MARK}@example.com"), "data": {
            "dashboardUrl": format!("https://{MARK}.example/?token={MARK}"), "recipientName": MARK,
        } })
    };
    let notification = |kind: &str| json!({ "userId": MARK, "type": kind, "title": MARK, "message": MARK });
    let range = json!({ "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z" });
    vec![
        ("email", email("welcome")),
        ("email", email(MARK)),
        ("notifications", notification("system.update")),
        ("notifications", notification(MARK)),
        (
            "webhook",
            json!({ "source": "resend", "event": "email.delivered", "data": {
            "email_id": MARK, "to": [format!("{MARK}@example.com")], "subject": MARK } }),
        ),
        ("webhook", json!({ "source": "resend", "event": "email.delivered", "data": MARK, "signature": MARK })),
        (
            "stripe-webhook",
            json!({ "eventId": "evt_1", "eventType": "invoice.payment_failed", "eventCreated": 1_764_000_000,
            "eventData": { "customer_email": format!("{MARK}@example.com"), "amount_due": 100, "note": MARK } }),
        ),
        ("stripe-webhook", json!({ "eventId": "evt_2", "eventType": "invoice.payment_failed", "eventData": MARK })),
        (
            "export",
            json!({ "entityType": "jobExecutions", "format": "csv", "recipients": [format!("{MARK}@example.com")] }),
        ),
        ("export", json!({ "entityType": MARK, "format": "csv" })),
        (
            "report",
            json!({ "reportType": "usage", "format": "html", "dateRange": range, "recipients": [format!("{MARK}@example.com")] }),
        ),
        ("report", json!({ "reportType": "usage", "format": MARK, "dateRange": range, "recipients": [MARK] })),
        ("cleanup", json!({ "retention": 90 })),
        ("cleanup", json!({ "retention": MARK })),
        ("health", json!({})),
        ("health", json!({ "windowSeconds": MARK })),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_payload_or_address_is_in_the_log_whatever_its_level_or_in_a_trace() {
    let (collector, folder) = (Collector::start().await, folder());
    let mut command = sigpost(&["dev", "--port", "0", "--json-logs", "--data-dir"]);
    command.arg(folder.path()).env("RUST_LOG", "trace").env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let mut dev = Running::start(command);
    let line = dev.wait_for("sigpost runs on ");
    let url = line.trim_start_matches("sigpost runs on ").split(". ").next().expect("a URL").to_owned();
    dev.wait_for("Ctrl-C stops it.");

    for (endpoint, job) in jobs() {
        let publish = format!("{url}/v2/publish/{url}/api/jobs/{endpoint}?secret={MARK}");
        let request = Client::new().post(publish).bearer_auth(DEV_TOKEN).json(&job).header("Upstash-Retries", "0");
        let request = request.header("Upstash-Forward-Authorization", format!("Bearer {MARK}"));
        let published: Value = request.send().await.expect("a response").json().await.expect("JSON");
        let id = published["messageId"].as_str().unwrap_or_else(|| panic!("{published}")).to_owned();
        // The last line of a message: its attempt with the outcome.
        loop {
            let line = dev.wait_for(&id);
            if line.contains("sigpost::message")
                && (line.contains("\"delivered\"") || line.contains("\"moved to the dead-letter queue\""))
            {
                break;
            }
        }
    }
    dev.signal("TERM");
    assert!(dev.ended().success());
    let output = dev.output();
    let log: Vec<&str> = output.lines().filter(|line| line.starts_with('{')).collect();
    let of_attempts =
        log.iter().filter(|line| line.contains("sigpost::message") && line.contains("\"duration_ms\"")).count();
    assert!(of_attempts >= jobs().len(), "{of_attempts} attempts are logged");
    let spans = collector.spans();
    for name in ["publish", "deliver"] {
        assert!(spans.iter().filter(|span| span.name == name).count() >= jobs().len(), "{name}: {spans:#?}");
    }
    // Search the raw bytes, which include every field of a span.
    let exported: String =
        collector.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    assert!(exported.contains("run send-email"));
    let key = "7kYjw48mhY7kAjqNGcy6cr29RJ6r";
    for secret in [MARK, DEV_TOKEN, key, "5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs"] {
        let told: Vec<&&str> = log.iter().filter(|line| line.contains(secret)).collect();
        assert!(told.is_empty(), "{secret} is in the log: {told:#?}");
        assert!(!exported.contains(secret), "{secret} is in a trace: {spans:#?}");
    }
}
