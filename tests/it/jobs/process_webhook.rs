//! The process-webhook function: webhooks with a processor are processed, others fail.

use dispatch::dispatcher::StepKind;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use process_webhook::{Processor, Processors};
use serde_json::{Value, json};
use sigpost_jobs::payloads::ProcessWebhook;
use sigpost_jobs::{JobContext, JobError, Outcome};
use sigpost_qstash::MessageId;

use super::deployment::Deployment;

async fn start() -> Deployment {
    Deployment::start(|harness| process_webhook::router(Processors::default(), harness)).await
}

async fn deliver(deployment: &Deployment, webhook: &Value) -> MessageId {
    let id = deployment.publish::<ProcessWebhook>(&[], webhook).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    id
}

/// An event of an e-mail, the given number of minutes after it was sent.
fn news(event: &str, minutes: u32, more: Value) -> Value {
    let mut data = json!({ "email_id": "re_1", "to": ["ada@example.com", "bob@example.com"], "subject": "Hi" });
    data.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    json!({ "source": "resend", "event": event, "data": data, "occurredAt": format!("2026-11-26T10:{minutes:02}:00Z") })
}

/// Returns the only row without its ID.
async fn log(deployment: &Deployment) -> Value {
    let rows = deployment
        .app
        .database
        .query("select (to_jsonb(l) - '{id,updated_at}'::text[])::text from email_logs l", &[])
        .await;
    let [row] = &rows[..] else { panic!("{} rows", rows.len()) };
    serde_json::from_str(row.get(0)).expect("JSON")
}

/// Unusual text of a third party must not prevent the log entry.
#[tokio::test]
async fn event_with_zero_bytes_and_nulls_is_logged() {
    let deployment = start().await;
    let data = json!({ "to": null, "subject": "a\0b", "bounce": { "message": "no\0mailbox" }, "failed": null });
    let id = deliver(&deployment, &news("email.bounced", 5, data)).await;
    assert_eq!(deployment.story(id).await, ["1 completed"]);
    let log = log(&deployment).await;
    assert_eq!((&log["recipient"], &log["subject"]), (&json!(""), &json!("a\u{fffd}b")));
    assert_eq!(log["error_message"], "no\u{fffd}mailbox");
}

#[tokio::test]
async fn email_status_only_advances() {
    let deployment = start().await;
    let bounce = json!({ "bounce": { "message": "no such mailbox", "type": "Permanent", "subType": "General" } });
    for (webhook, status) in [
        (news("email.bounced", 5, bounce), "bounced"),
        (news("email.delivered", 1, json!({})), "bounced"),
        (news("email.sent", 0, json!({})), "bounced"),
        (news("email.complained", 9, json!({})), "complained"),
        (news("email.bounced", 10, json!({ "bounce": { "message": "again" } })), "complained"),
    ] {
        let id = deliver(&deployment, &webhook).await;
        assert_eq!(deployment.runs(id).await[0]["result"], json!({ "emailId": "re_1", "status": status }));
    }
    let expected = json!({
        "email_id": "re_1", "recipient": "ada@example.com, bob@example.com", "template_type": null, "subject": "Hi",
        "status": "complained", "provider": "resend", "metadata": null, "sent_at": "2026-11-26T10:00:00+00:00",
        "delivered_at": "2026-11-26T10:01:00+00:00", "failed_at": "2026-11-26T10:05:00+00:00", "error_message": "no such mailbox",
    });
    assert_eq!(log(&deployment).await, expected);
}

#[tokio::test]
async fn webhook_without_a_processor_is_a_dead_letter_immediately() {
    let deployment = start().await;
    for (webhook, error) in [
        (json!({ "source": "custom", "event": "ping", "data": {} }), "source: unknown \"custom\"; known are resend"),
        (json!({ "source": "stripe", "event": "x", "data": {} }), "source: unknown \"stripe\""),
        (news("email.opened", 0, json!({})), "event: \"email.opened\" of resend is not supported"),
        (news("email.sent", 0, json!({ "email_id": 7 })), "data.email_id: must be a string, got 7"),
        (json!({ "source": "resend", "event": "email.sent", "data": {} }), "data: requires the field email_id"),
        (json!({ "source": "", "event": "x", "data": {} }), "source: must be 1 to 100 bytes"),
        (json!({ "source": "resend", "event": "email.sent", "data": [] }), "data: must be "),
        (json!({ "source": "resend", "event": "email.sent" }), "data: is missing"),
    ] {
        let id = deployment.publish::<ProcessWebhook>(&[], &webhook).await;
        deployment.app.wait_for(id, StepKind::Failed).await;
        let said = deployment.dead_letter_error(id).await;
        assert!(said.starts_with(error), "{said}");
        assert_eq!(deployment.app.states(id).await, "CREATED ACTIVE ERROR FAILED");
    }
    assert_eq!(deployment.app.database.count("select count(*) from email_logs").await, 0);
}

/// A processor without dependencies.
struct GitHub;

impl Processor for GitHub {
    fn process<'a>(
        &'a self,
        webhook: &'a ProcessWebhook,
        _ctx: &'a JobContext,
    ) -> BoxFuture<'a, Result<Outcome, JobError>> {
        async move { Ok(Outcome::with(json!({ "event": webhook.event, "repository": webhook.data["repository"] }))) }
            .boxed()
    }
}

#[tokio::test]
async fn custom_source_has_a_custom_processor() {
    let processors = || Processors::default().with("github", GitHub);
    let deployment = Deployment::start(|harness| process_webhook::router(processors(), harness)).await;
    let webhook =
        json!({ "source": "github", "event": "push", "data": { "repository": "a/b" }, "signature": "sha256=00" });
    let id = deliver(&deployment, &webhook).await;
    assert_eq!(deployment.runs(id).await[0]["result"], json!({ "event": "push", "repository": "a/b" }));
}
