//! Redacted messages, as they are read back.

use dispatch::dispatcher::StepKind;
use sigpost_qstash::{CallbackKind, MessageId};

use super::session::Session;
use crate::support::{Answer, Receiver};

#[tokio::test]
async fn redacted_values_are_not_shown() {
    let mut s = Session::start("redacted_messages").await;
    let reports = Receiver::start().await;
    s.name_server(&reports, "reports");
    s.app.receiver.otherwise(Answer::status(500).header("Authorization", "secret").body("secret"));
    reports.otherwise(Answer::status(200).header("Authorization", "secret").body("secret"));
    let each = reports.url("/each");
    for redact in ["body", "header", "body,header[Authorization]"] {
        let headers = [
            ("Upstash-Redact-Fields", redact),
            ("Upstash-Forward-Authorization", "secret"),
            ("Upstash-Forward-X-Open", "open"),
            ("Upstash-Retries", "0"),
            ("Upstash-Callback", &*each),
            ("Upstash-Callback-Forward-Authorization", "secret"),
        ];
        let id = s.publish("/hook", &headers, "secret").await;
        let callback = MessageId::of_callback(id, CallbackKind::Callback, 0);
        s.app.wait_for(callback, StepKind::Delivered).await;
        s.show(id).await;
        s.show(callback).await;
        s.get(&format!("/v2/dlq?messageId={id}")).await;
    }
    s.finish();
}
