//! Spans are exported before an environment is frozen.

use reqwest::Method;
use serde_json::json;

use super::Deployed;
use crate::support::{Answer, Received, Receiver};

/// Whether one of these exports has a span of this name. Protobuf stores texts unchanged.
fn has(exports: &[Received], name: &str) -> bool {
    exports.iter().any(|export| {
        assert_eq!((export.uri.path(), export.header("content-type")), ("/v1/traces", "application/x-protobuf"));
        export.body.windows(name.len()).any(|window| window == name.as_bytes())
    })
}

#[tokio::test]
async fn spans_are_exported_before_the_environment_is_frozen() {
    let collector = Receiver::start().await;
    let (deployed, handler) = Deployed::start_with_email_handler(|definition| {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url("/")),
            // The timed export does not run during this test.
            ("OTEL_BSP_SCHEDULE_DELAY", "600000".to_owned()),
        ];
        definition.variables.extend(variables.map(|(name, value)| (name.to_owned(), value)));
    })
    .await;
    handler.resend.otherwise(Answer::status(200).header("Content-Type", "application/json").body(r#"{"id": "e"}"#));

    let email =
        json!({ "template": "welcome", "to": "ada@example.com", "data": { "dashboardUrl": "https://acme.example" } });
    let path = format!("/v2/publish/{}/api/jobs/email", handler.url);
    let id = deployed.request(Method::POST, &path, &[], &email.to_string()).await.id();
    deployed.at_rest().await;
    handler.function.at_rest().await;

    assert_eq!(deployed.state_of(id).await, "delivered");
    let exports = collector.all_so_far().await;
    for name in ["publish", "deliver", "run send-email"] {
        assert!(has(&exports, name), "{name}");
    }
}
