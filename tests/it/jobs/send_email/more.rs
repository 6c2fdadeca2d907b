//! Optional fields of an e-mail.

use std::time::Duration;

use dispatch::dispatcher::StepKind;
use jiff::Timestamp;
use serde_json::{Value, json};
use sigpost_jobs::payloads::SendEmail;

use super::{log, start, welcome};

/// Returns a welcome e-mail with more fields.
fn with(fields: Value) -> Value {
    let mut job = welcome();
    job.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    job
}

#[tokio::test]
async fn resend_receives_copies_headers_attachments_and_time() {
    let (deployment, resend) = start().await;
    let later = (Timestamp::now() + Duration::from_secs(86_400)).to_string();
    let job = with(json!({
        "cc": "Bob <bob@example.com>", "bcc": ["eve@example.com", "dan@example.com"], "replyTo": "sales@acme.example",
        "headers": { "X-Order": "7" },
        "attachments": [
            { "filename": "terms.txt", "content": "SGk=", "contentType": "text/plain" },
            { "filename": "Größe.pdf", "content": "JVBERg==" },
        ],
        "scheduledAt": later,
    }));
    let id = deployment.publish::<SendEmail>(&[], &job).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;

    let email = resend.next().await.json();
    assert_eq!(email["to"], json!(["ada@example.com"]));
    assert_eq!(
        (&email["cc"], &email["bcc"]),
        (&json!(["Bob <bob@example.com>"]), &json!(["eve@example.com", "dan@example.com"]))
    );
    assert_eq!(email["reply_to"], json!(["sales@acme.example"]), "in place of the deployment's");
    assert_eq!((&email["headers"], &email["scheduled_at"]), (&json!({ "X-Order": "7" }), &json!(later)));
    let files = json!([
        { "filename": "terms.txt", "content": b"Hi", "content_type": "text/plain" },
        { "filename": "Größe.pdf", "content": b"%PDF" },
    ]);
    assert_eq!(email["attachments"], files);

    let log = log(&deployment).await;
    assert_eq!(log["recipient"], "ada@example.com, Bob <bob@example.com>, eve@example.com, dan@example.com");
    assert_eq!(log["metadata"], json!({ "messageId": id, "scheduledAt": later }));
}

#[tokio::test]
async fn email_scheduled_in_the_past_is_sent_immediately() {
    let (deployment, resend) = start().await;
    let id = deployment.publish::<SendEmail>(&[], &with(json!({ "scheduledAt": "2026-01-01T00:00:00Z" }))).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(resend.next().await.json().get("scheduled_at"), None);
}

#[tokio::test]
async fn invalid_email_is_rejected_with_the_field() {
    let (deployment, resend) = start().await;
    let file = |name: &str, value: Value| {
        let mut file = json!({ "filename": "a.txt", "content": "SGk=" });
        file[name] = value;
        json!({ "attachments": [file] })
    };
    let far = (Timestamp::now() + Duration::from_secs(31 * 86_400)).to_string();
    for (fields, error) in [
        (json!({ "cc": "bob" }), "cc: is not an e-mail address"),
        (json!({ "bcc": ["bob@example.com", "a@b.example\r\nTo: c@d.example"] }), "bcc[1]: is not an e-mail address"),
        (json!({ "replyTo": 7 }), "replyTo: must be an address or a list of addresses, got 7"),
        (json!({ "headers": { "To": "eve@example.com" } }), "headers.To: is reserved"),
        (json!({ "headers": { "X-A": "b\r\nBcc: eve@example.com" } }), "headers.X-A: must be 1 to 998 ASCII"),
        (json!({ "headers": { "X-A": 7 } }), "headers.X-A: must be a string, got 7"),
        (file("content", json!("?")), "attachments[0].content: is not base64"),
        (file("filename", json!("../a")), "attachments[0].filename: must be 1 to 255 bytes"),
        (file("path", json!("https://a.example")), "attachments[0].path: unknown field `path`"),
        (file("content", json!("AAAA".repeat(1_700_000))), "attachments: must be at most 5000000 bytes together"),
        (json!({ "scheduledAt": "tomorrow" }), "scheduledAt: "),
        (json!({ "scheduledAt": far }), "scheduledAt: must be at most 30 days ahead"),
    ] {
        let id = deployment.publish::<SendEmail>(&[], &with(fields)).await;
        deployment.app.wait_for(id, StepKind::Failed).await;
        let said = deployment.dead_letter_error(id).await;
        assert!(said.starts_with(error), "{said}");
    }
    assert_eq!((resend.all_so_far().await.len(), deployment.run_count().await), (0, 0));
}
