//! What has been traced leaves an environment before it is frozen.

use std::net::TcpListener;

use reqwest::Method;
use serde_json::json;
use sigpost_dev_lambda::{Definition, Function};
use sigpost_qstash::SigningKeys;

use super::Deployed;
use crate::support::{Answer, Received, Receiver};

/// Whether one of these exports has a span of this name. Texts are in protobuf as they are.
fn has(exports: &[Received], name: &str) -> bool {
    exports.iter().any(|export| {
        assert_eq!((export.uri.path(), export.header("content-type")), ("/v1/traces", "application/x-protobuf"));
        export.body.windows(name.len()).any(|window| window == name.as_bytes())
    })
}

#[tokio::test]
async fn spans_are_exported_before_the_environment_that_has_made_them_is_frozen() {
    let (collector, resend, keys) = (Receiver::start().await, Receiver::start().await, SigningKeys::generate());
    resend.otherwise(Answer::status(200).header("Content-Type", "application/json").body(r#"{"id": "e"}"#));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let handler_url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut handler = None;
    let deployed = Deployed::start_with(|definition| {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url("/")),
            // By itself nothing is exported while this test runs.
            ("OTEL_BSP_SCHEDULE_DELAY", "600000".to_owned()),
            ("QSTASH_CURRENT_SIGNING_KEY", keys.current),
            ("QSTASH_NEXT_SIGNING_KEY", keys.next),
            ("BASE_URL", handler_url.clone()),
            ("RESEND_API_KEY", "re_key".to_owned()),
            ("RESEND_BASE_URL", resend.url("/")),
            ("RESEND_FROM_EMAIL", "hello@acme.example".to_owned()),
        ];
        definition.variables.extend(variables.map(|(name, value)| (name.to_owned(), value)));
        let program = super::program("send-email", env!("CARGO_BIN_EXE_email-handler"));
        handler = Some(Function::new(Definition { program, ..definition.clone() }));
    })
    .await;
    let handler = handler.expect("made");
    handler.serve_url(listener).expect("the handler's URL");

    let email =
        json!({ "template": "welcome", "to": "ada@example.com", "data": { "dashboardUrl": "https://acme.example" } });
    let path = format!("/v2/publish/{handler_url}/api/jobs/email");
    let id = deployed.request(Method::POST, &path, &[], &email.to_string()).await.id();
    deployed.at_rest().await;
    handler.at_rest().await;

    assert_eq!(deployed.state_of(id).await, "delivered");
    let exports = collector.all_so_far().await;
    for name in ["publish", "deliver", "run send-email"] {
        assert!(has(&exports, name), "{name}");
    }
}
