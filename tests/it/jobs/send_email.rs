//! The send-email function, from a publish to the request to Resend.

mod more;
mod slow;

use std::collections::HashSet;

use dispatch::dispatcher::StepKind;
use send_email::{Brand, Config, Transport};
use serde_json::{Value, json};
use sigpost_jobs::payloads::SendEmail;
use sigpost_qstash::MessageId;
use sigpost_store::email_logs::{self, EmailNews, EmailStatus};

use super::deployment::{Deployment, answer};
use crate::support::{Answer, Receiver};

/// Starts a deployment with a Resend stand-in.
pub(crate) async fn start() -> (Deployment, Receiver) {
    let resend = Receiver::start().await;
    resend.otherwise(json_answer(200, json!({ "id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794" })));
    let base_url = resend.url("/").parse().expect("a URL");
    let transport = Transport::Resend { api_key: "re_key".into(), base_url };
    (start_with(transport).await, resend)
}

async fn start_with(transport: Transport) -> Deployment {
    let config = Config {
        transport,
        from: "Acme <hello@acme.example>".into(),
        reply_to: Some("help@acme.example".into()),
        brand: Brand::named("Acme"),
    };
    Deployment::start(|harness| send_email::router(config, harness).expect("a configuration")).await
}

fn json_answer(status: u16, body: Value) -> Answer {
    Answer::status(status).header("Content-Type", "application/json").body(body.to_string())
}

fn rejection(status: u16, name: &str) -> Answer {
    json_answer(status, json!({ "statusCode": status, "name": name, "message": "why" }))
}

fn welcome() -> Value {
    let data =
        json!({ "dashboardUrl": "https://acme.example/app?a=1&b=2", "recipientName": "Ada <3", "teamName": "R&D" });
    json!({ "template": "welcome", "to": "ada@example.com", "data": data })
}

#[tokio::test]
async fn welcome_email_has_every_field_that_resend_requires() {
    let (deployment, resend) = start().await;
    let id = deployment.publish::<SendEmail>(&[], &welcome()).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;

    let request = resend.next().await;
    assert_eq!((request.method.as_str(), request.uri.path()), ("POST", "/emails"));
    assert_eq!(request.header("authorization"), "Bearer re_key");
    assert_eq!(request.header("idempotency-key"), format!("send-email/{id}"));
    let mut email = request.json();
    let (html, text) = (email["html"].take(), email["text"].take());
    let expected = json!({
        "from": "Acme <hello@acme.example>",
        "to": ["ada@example.com"],
        "subject": "Welcome to R&D",
        "reply_to": ["help@acme.example"],
        "tags": [{ "name": "template", "value": "welcome-signup" }],
        "html": null,
        "text": null,
    });
    assert_eq!(email, expected);
    let (html, text) = (html.as_str().expect("HTML"), text.as_str().expect("text"));
    for part in ["Hi Ada &lt;3,", "href=\"https://acme.example/app?a=1&amp;b=2\"", "part of R&amp;D.", "The Acme Team"]
    {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    for part in ["Hi Ada <3,", "Open your dashboard: https://acme.example/app?a=1&b=2", "part of R&D.", "The Acme Team"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let delivered = json!({ "delivered": true, "emailId": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794" });
    assert_eq!(deployment.runs(id).await[0]["result"], delivered);
}

#[tokio::test]
async fn password_reset_is_sent_to_every_recipient() {
    let (deployment, resend) = start().await;
    let data = json!({
        "resetUrl": "https://acme.example/reset?token=a&x=b", "expiresInMinutes": 60, "supportEmail": "you@b.example",
    });
    let job = json!({ "template": "passwordReset", "to": ["ada@example.com", "Bob <bob@example.com>"], "data": data });
    let id = deployment.publish::<SendEmail>(&[], &job).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;

    let email = resend.next().await.json();
    assert_eq!(email["to"], json!(["ada@example.com", "Bob <bob@example.com>"]));
    assert_eq!(email["subject"], "Password reset instructions");
    assert_eq!(email["tags"], json!([{ "name": "template", "value": "password-reset" }]));
    let (html, text) = (email["html"].as_str().expect("HTML"), email["text"].as_str().expect("text"));
    assert!(html.contains("href=\"https://acme.example/reset?token=a&amp;x=b\""), "{html}");
    for part in
        ["Reset password: https://acme.example/reset?token=a&x=b", "within the next 60 minutes", "you@b.example"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn failed_email_is_retried_with_the_same_idempotency_key() {
    let (deployment, resend) = start().await;
    // Rejected, and accepted with a lost response.
    resend.answers([rejection(500, "application_error"), Answer::status(200).broken()]);
    let id = deployment.publish::<SendEmail>(&[], &welcome()).await;
    for times in [1, 2] {
        deployment.app.wait_for_times(id, StepKind::Retried, times).await;
        deployment.app.make_messages_due().await;
    }
    deployment.app.wait_for(id, StepKind::Delivered).await;

    let requests = resend.next_many(3).await;
    let keys: HashSet<&str> = requests.iter().map(|request| request.header("idempotency-key")).collect();
    assert_eq!(keys, HashSet::from([&*format!("send-email/{id}")]));
    assert!(requests.iter().all(|request| request.body == requests[0].body), "Resend rejects a key with another body");
    let story = deployment.story(id).await;
    assert_eq!(story[0], "1 failed: Resend: application_error (500): why");
    assert!(story[1].starts_with("2 failed: Resend: "), "{story:?}");
    assert_eq!(story[2..], ["3 completed"]);
}

#[tokio::test]
async fn email_that_resend_rejects_is_a_dead_letter() {
    let (deployment, resend) = start().await;
    resend.otherwise(rejection(422, "validation_error"));
    let id = deployment.publish::<SendEmail>(&[], &welcome()).await;
    deployment.app.wait_for(id, StepKind::Failed).await;

    assert_eq!(deployment.story(id).await, ["1 failed: Resend: validation_error (422): why"]);
    let letter = deployment.dead_letter().await;
    assert_eq!((&letter["messageId"], &letter["responseStatus"]), (&json!(id), &json!(489)));
    assert_eq!(resend.next_many(1).await.len() + resend.all_so_far().await.len(), 1);
}

#[tokio::test]
async fn rate_limited_email_waits_for_the_retry_after_of_resend() {
    let (deployment, resend) = start().await;
    resend.answers([rejection(429, "rate_limit_exceeded").header("Retry-After", "70")]);
    let id = deployment.publish::<SendEmail>(&[], &welcome()).await;
    deployment.app.wait_for(id, StepKind::Retried).await;
    assert_eq!(deployment.story(id).await, ["1 failed: Resend: too many requests"]);
    let wait =
        "select extract(epoch from m.due_at - e.at)::bigint from message_states m, events e where e.state = 'RETRY'";
    // Plus up to 2 s of jitter, so that a burst is spread.
    let wait = deployment.app.database.count(wait).await;
    assert!((70..=73).contains(&wait), "{wait}");

    deployment.app.make_messages_due().await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(resend.next_many(2).await.len(), 2);
}

#[tokio::test]
async fn email_without_an_api_key_is_rendered_and_not_sent() {
    let deployment = start_with(Transport::Log).await;
    let id = deployment.publish::<SendEmail>(&[], &welcome()).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    let reason = "not sent: RESEND_API_KEY is not set";
    assert_eq!(deployment.runs(id).await[0]["result"], json!({ "delivered": false, "reason": reason }));
}

#[tokio::test]
async fn email_that_cannot_be_rendered_is_rejected_before_sending() {
    let (deployment, resend) = start().await;
    for (job, error) in [
        (json!({ "template": "goodbye", "to": "a@b.example", "data": {} }), "template: unknown"),
        (json!({ "template": "welcome", "to": "a@b.example", "data": {} }), "data.dashboardUrl: is required"),
        (
            json!({ "template": "welcome", "to": "no-address", "data": welcome()["data"] }),
            "to: is not an e-mail address",
        ),
        (json!({ "template": "welcome", "data": {} }), "to: is missing"),
    ] {
        let id = deployment.publish::<SendEmail>(&[], &job).await;
        deployment.app.wait_for(id, StepKind::Failed).await;
        let letter = deployment.app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0].clone();
        let said: Value = serde_json::from_str(letter["responseBody"].as_str().expect("a text")).expect("JSON");
        assert!(said["error"].as_str().is_some_and(|said| said.starts_with(error)), "{said}");
    }
    assert_eq!((resend.all_so_far().await.len(), deployment.run_count().await), (0, 0));
}

/// Returns valid data for every template, with markup in every field.
fn hostile() -> [(&'static str, Value); 7] {
    let bad = "<script>alert(\"1\")</script>&'";
    let url = "https://a.example/\"><script>?q=<script>\"'&x=1";
    [
        ("welcome", json!({ "dashboardUrl": url, "recipientName": bad, "teamName": bad })),
        ("passwordReset", json!({ "resetUrl": url, "expiresInMinutes": 5, "recipientName": bad })),
        ("passwordChanged", json!({ "changedAt": bad, "ipAddress": bad, "recipientName": bad })),
        (
            "emailChange",
            json!({ "confirmationUrl": url, "newEmail": "o'a&b@c.example", "oldEmail": "a&b'@c.example", "recipientName": bad }),
        ),
        (
            "teamInvitation",
            json!({
                "inviteUrl": url, "inviterName": bad, "teamName": bad, "role": "owner", "expiresAt": bad, "recipientName": bad,
            }),
        ),
        ("subscriptionCreated", json!({ "dashboardUrl": url, "planName": bad, "amount": bad, "recipientName": bad })),
        ("paymentFailed", json!({ "paymentDetailsUrl": url, "amountDue": bad, "recipientName": bad })),
    ]
}

#[tokio::test]
async fn every_template_escapes_its_data() {
    let (deployment, resend) = start().await;
    for (template, data) in hostile() {
        let id = deployment
            .publish::<SendEmail>(&[], &json!({ "template": template, "to": "ada@example.com", "data": data }))
            .await;
        deployment.app.wait_for(id, StepKind::Delivered).await;
        let email = resend.next().await.json();
        let (html, text) = (email["html"].as_str().expect("HTML"), email["text"].as_str().expect("text"));
        assert!(html.starts_with("<!DOCTYPE html>") && !html.contains("<script"), "{html}");
        for (field, value) in data.as_object().expect("an object") {
            let Some(value) = value.as_str() else { continue };
            // HTML escapes everything, plain text nothing; URLs are percent-encoded as well.
            let shown =
                if field.ends_with("Url") { "https://a.example/%22%3E%3Cscript%3E?q=%3Cscript%3E%22" } else { value };
            assert!(text.contains(shown), "{template}.{field} is not in {text}");
            let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let escaped = escaped.replace('"', "&quot;").replace('\'', "&#39;");
            assert!(html.contains(&escaped), "{template}.{field} is not in {html}");
        }
    }
    // Addresses with markup are invalid.
    let data = json!({ "confirmationUrl": "https://a.example", "newEmail": "<script>@a.example" });
    let job = json!({ "template": "emailChange", "to": "ada@example.com", "data": data });
    let id = deployment.publish::<SendEmail>(&[], &job).await;
    deployment.app.wait_for(id, StepKind::Failed).await;
    let said = deployment.dead_letter_error(id).await;
    assert!(said.starts_with("data.newEmail: is not an e-mail address"), "{said}");
}

/// Returns the log entry of the only e-mail, without fields that differ between runs.
async fn log(deployment: &Deployment) -> Value {
    let sql = "select (to_jsonb(l) - '{id,updated_at,sent_at}'::text[])::text from email_logs l";
    let rows = deployment.app.database.query(sql, &[]).await;
    let [row] = &rows[..] else { panic!("{} rows", rows.len()) };
    serde_json::from_str(row.get(0)).expect("JSON")
}

const EMAIL_ID: &str = "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794";

/// Inserts the bounce event as process-webhook does.
async fn bounced(deployment: &Deployment) {
    let news = EmailNews {
        email_id: EMAIL_ID,
        provider: "resend",
        recipient: "ada@example.com",
        subject: Some("Welcome"),
        status: EmailStatus::Bounced,
        at: "2026-01-02T10:05:00Z".parse().expect("a time"),
        error: Some("no such mailbox"),
    };
    let database = deployment.app.app.database();
    email_logs::update(&mut database.connection().await.expect("a connection"), news).await.expect("written");
}

fn logged(id: MessageId, status: &str) -> Value {
    json!({
        "email_id": EMAIL_ID, "recipient": "ada@example.com, Bob <bob@example.com>", "template_type": "welcome",
        "subject": "Welcome to R&D", "status": status, "provider": "resend", "metadata": { "messageId": id },
        "delivered_at": null, "failed_at": null, "error_message": null,
    })
}

fn bounced_log(id: MessageId) -> Value {
    let mut log = logged(id, "bounced");
    log["failed_at"] = json!("2026-01-02T10:05:00+00:00");
    log["error_message"] = json!("no such mailbox");
    log
}

fn welcome_to_two() -> Value {
    json!({ "template": "welcome", "to": ["ada@example.com", "Bob <bob@example.com>"], "data": welcome()["data"] })
}

#[tokio::test]
async fn sent_email_is_logged_and_later_events_are_added() {
    let (deployment, resend) = start().await;
    let id = deployment.publish::<SendEmail>(&[], &welcome_to_two()).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(log(&deployment).await, logged(id, "sent"));
    assert_eq!(resend.next().await.json()["to"].as_array().map(Vec::len), Some(2), "one e-mail for all");
    bounced(&deployment).await;
    assert_eq!(log(&deployment).await, bounced_log(id));
}

#[tokio::test]
async fn events_before_the_log_row_are_kept() {
    let (deployment, _resend) = start().await;
    bounced(&deployment).await;
    let id = deployment.publish::<SendEmail>(&[], &welcome_to_two()).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(log(&deployment).await, bounced_log(id));
    let sent = "select count(*) from email_logs where sent_at = '2026-01-02T10:05:00Z'";
    assert_eq!(deployment.app.database.count(sent).await, 1, "the time of sending precedes the bounce");
}

#[tokio::test]
async fn email_is_sent_and_logged_once_after_an_unrecorded_run() {
    let (deployment, resend) = start().await;
    // The finishing transaction fails after Resend has accepted the e-mail.
    deployment.app.database.execute("alter table email_logs rename to email_logs_away").await;
    let id = deployment.publish::<SendEmail>(&[], &welcome_to_two()).await;
    deployment.app.wait_for(id, StepKind::Retried).await;
    assert_eq!(deployment.story(id).await.len(), 1);
    deployment.app.database.execute("alter table email_logs_away rename to email_logs").await;
    deployment.app.make_messages_due().await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(resend.next_many(1).await.len() + resend.all_so_far().await.len(), 1);
    assert_eq!(log(&deployment).await, logged(id, "sent"));

    // Delivered again after completion, as by a dispatcher that crashed before it recorded the delivery.
    deployment.app.database.execute("update email_logs set status = 'delivered'").await;
    let again = deployment.delivery_of::<SendEmail>(id, &welcome_to_two().to_string());
    let again = answer(again).await.body;
    assert_eq!((&again["duplicate"], &again["result"]), (&json!(true), &deployment.runs(id).await[1]["result"]));
    assert_eq!(log(&deployment).await, logged(id, "delivered"));
    assert!(resend.all_so_far().await.is_empty());
}
