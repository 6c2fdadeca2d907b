//! Rows of the wire reference that no other test covers.

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sigpost_qstash::MessageId;

use crate::support::{TestApp, answered};

/// Wire reference, section 10: rows 4, 19 and 20.
#[tokio::test]
async fn log_page_has_1000_rows_and_the_last_no_cursor() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    app.publish_here(&[], "").await;
    app.database
        .execute("insert into attempts (message_id, number, retried, outcome, started_at)
             select id, n, 0, 'lease_expired', now() + n * interval '1 microsecond' from messages, generate_series(1, 1000) n")
        .await;
    for path in ["/v2/events", "/v2/logs"] {
        for query in ["", "?count=1000"] {
            let page = app.get(&format!("{path}{query}")).await.body;
            let rows = |name: &str| page[name].as_array().map(Vec::len);
            assert_eq!((rows("events"), rows("logs")), (Some(1000), Some(1000)), "{path}{query}");
            let cursor = page["cursor"].as_str().expect("a cursor");
            let last = app.get(&format!("{path}?cursor={cursor}")).await.body;
            assert_eq!((last["events"].as_array().map(Vec::len), last.get("cursor")), (Some(1), None));
        }
        assert_eq!(app.get(&format!("{path}?count=1001")).await.status, StatusCode::BAD_REQUEST);
    }
}

/// Wire reference, section 10: row 29.
#[tokio::test]
async fn redact_fields_accepts_spellings_of_docs_and_sdks() {
    let app = TestApp::start().await;
    for (fields, hidden) in [
        ("body", [true, false, false]),
        ("header", [false, true, true]),
        ("headers", [false, true, true]),
        ("header[X-A]", [false, true, false]),
        ("headers[x-a]", [false, true, false]),
        ("body,headers[X-B]", [true, false, true]),
    ] {
        let headers = [("Upstash-Redact-Fields", fields), ("Upstash-Forward-X-A", "a"), ("Upstash-Forward-X-B", "b")];
        let id = app.publish_here(&headers, "body").await.id();
        let message = app.message(id).await;
        let shown = [&message["body"], &message["header"]["X-A"][0], &message["header"]["X-B"][0]];
        let is_hidden = shown.map(|value| value.as_str().expect("a text").starts_with("REDACTED:"));
        assert_eq!(is_hidden, hidden, "{fields}: {shown:?}");
    }
}

/// Wire reference, section 10: row 32.
#[tokio::test]
async fn callback_may_be_delayed() {
    let app = TestApp::start().await;
    let headers = [("Upstash-Callback", "https://example.com"), ("Upstash-Callback-Delay", "1h")];
    let published = app.publish_here(&headers, "").await;
    assert_eq!(published.status, StatusCode::OK);
    app.wait_for(published.id(), StepKind::Delivered).await;
    let delayed = "select count(*) from message_states
                   where callback_of is not null and due_at = created_at + interval '1 hour'";
    assert_eq!(app.database.count(delayed).await, 1);
}

/// Wire reference, section 10: row 44; section 0: trap 25.
#[tokio::test]
async fn deleting_unknown_names_succeeds_and_unknown_ids_is_404() {
    let app = TestApp::start().await;
    for (path, status) in [
        ("/v2/topics/none".to_owned(), StatusCode::OK),
        ("/v2/queues/none".to_owned(), StatusCode::OK),
        ("/v2/dlq/1-1".to_owned(), StatusCode::NOT_FOUND),
        (format!("/v2/messages/{}", MessageId::new()), StatusCode::NOT_FOUND),
        ("/v2/schedules/none".to_owned(), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(app.delete(&path).await.status, status, "{path}");
    }
}

/// Wire reference, section 10: row 47.
#[tokio::test]
async fn delete_with_a_trailing_slash_is_rejected() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let endpoints = json!({ "endpoints": [{ "url": "https://example.com" }] });
    answered(app.request(Method::POST, "/v2/topics/g/endpoints").json(&endpoints)).await;
    let schedule = app.request(Method::POST, "/v2/schedules/https://example.com").header("Upstash-Cron", "1 1 1 1 *");
    answered(schedule).await;
    app.publish_here(&[("Upstash-Queue-Name", "q")], "").await;
    let stored =
        "select (select count(*) from message_states where finished_at is null) + (select count(*) from url_groups)
                       + (select count(*) from schedules) + (select count(*) from gates)";
    assert_eq!(app.database.count(stored).await, 4);
    for path in ["/v2/messages/", "/v2/dlq/", "/v2/schedules/", "/v2/Schedules/", "/v2/topics/", "/v2/queues/"] {
        let rejected = app.delete(path).await;
        assert_eq!(rejected.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(rejected.error().contains("missing"), "{path}: {}", rejected.error());
    }
    assert_eq!(app.database.count(stored).await, 4);
}

/// Wire reference, section 10: row 48.
#[tokio::test]
async fn keys_are_rotated_by_post_only() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let before = app.get("/v2/keys").await.body;
    assert_eq!(app.get("/v2/keys/rotate").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(app.get("/v2/keys").await.body, before);
    let after = app.post("/v2/keys/rotate").await;
    assert_eq!((after.status, &after.body["current"]), (StatusCode::OK, &before["next"]));
}

/// Wire reference, section 10: row 50.
#[tokio::test]
async fn only_upstash_queue_name_selects_a_queue() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let guessed = app.publish_here(&[("Upstash-Queue", "q")], "").await;
    assert_eq!(guessed.status, StatusCode::OK);
    assert_eq!(app.message(guessed.id()).await.get("queueName"), None);
    assert_eq!(app.get("/v2/queues").await.body, json!([]));
    let named = app.publish_here(&[("Upstash-Queue-Name", "q")], "").await;
    assert_eq!(app.message(named.id()).await["queueName"], "q");
}
