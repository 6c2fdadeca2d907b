//! Stored text is never rendered as markup.

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};

use super::Console;
use crate::support::Answer;

const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><b>&amp;";
const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;";

/// Asserts that the page has the text and no tag of it.
fn assert_is_text(page: &str) {
    for tag in ["<script>alert", "<img", "<b>"] {
        assert!(!page.contains(tag), "{tag} in {page}");
    }
    assert!(page.contains(ESCAPED), "{page}");
}

#[tokio::test]
async fn stored_texts_are_escaped_on_every_page() {
    let console = Console::signed_in().await;
    let app = &console.app;
    app.receiver.otherwise(Answer::status(500).header("x-answer", MARKUP).body(MARKUP));
    let destination = app.receiver.url(&format!("/hook?{MARKUP}")).replace(' ', "%20");
    let headers = [("Upstash-Retries", "0"), ("Upstash-Label", MARKUP), ("Upstash-Forward-X", MARKUP)];
    let encoded: String = url_of(&destination);
    let id = app.publish(&encoded, &headers, MARKUP).await.id();
    app.wait_for(id, StepKind::Failed).await;
    let sql = format!(
        "insert into job_executions (id, message_id, job_type, attempt, status, started_at, completed_at, error, result, payload)
         values (gen_random_uuid(), '{id}', $$<b>{MARKUP}$$, 1, 'failed', now(), now(), $${MARKUP}$$, to_jsonb($${MARKUP}$$::text),
                 to_jsonb($${MARKUP}$$::text))"
    );
    app.database.execute(&sql).await;

    let letter = app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0]["dlqId"]
        .as_str()
        .expect("an id")
        .to_owned();
    for path in [
        "/console/messages".to_owned(),
        format!("/console/messages/{id}"),
        "/console/dead-letters".to_owned(),
        format!("/console/dead-letters/{letter}"),
        format!("/console/messages?label={}", url_of(MARKUP)),
        format!("/console/messages?q={}", url_of(MARKUP)),
        format!("/console/messages/{}", url_of(MARKUP)),
    ] {
        assert_is_text(&console.get(&path).await.text);
    }
}

/// Percent-encodes every byte.
fn url_of(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn raw_payload_is_downloaded_as_an_attachment() {
    let console = Console::signed_in().await;
    let id = console.app.publish_here(&[("Upstash-Delay", "1h"), ("Content-Type", "text/html")], MARKUP).await.id();
    let path = format!("/console/messages/{id}/payload");
    let response = console.request(Method::GET, &path).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.headers()["content-disposition"], format!("attachment; filename=\"{id}.txt\""));
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.text().await.expect("text"), MARKUP);
}

#[tokio::test]
async fn sealed_and_large_payloads_are_not_shown_inline() {
    let console = Console::signed_in().await;
    let sealed = format!("v1.2026-11.{}", "Secr3t-_".repeat(10));
    let id = console.app.publish_here(&[("Upstash-Delay", "1h")], &sealed).await.id();
    let page = console.get(&format!("/console/messages/{id}")).await.text;
    assert!(page.contains("Only the handler can decrypt it") && !page.contains("Secr3t"), "{page}");

    let id = console.app.publish_here(&[("Upstash-Delay", "1h")], &"x".repeat(1_000_000)).await.id();
    let page = console.get(&format!("/console/messages/{id}")).await.text;
    assert!(page.len() < 100_000 && page.contains("Truncated: 934 kB more."), "{} bytes", page.len());
    // A list is without the bodies.
    assert!(console.get("/console/messages").await.text.len() < 20_000);
}
