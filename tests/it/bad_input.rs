//! Rejected requests: the response names the field, and nothing is stored or changed.

mod arbitrary;
mod bodies;
mod headers;
mod parameters;
mod schedules;
mod stored;

use reqwest::{Body, Method, StatusCode};

use crate::support::{TestApp, answered};

const CALLBACK: (&str, &str) = ("Upstash-Callback", "https://example.com/report");

/// Options with invalid or prohibited values.
fn wrong_headers() -> Vec<(&'static str, String)> {
    let long = "x".repeat(300);
    let many = (0..40).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let cases = [
        ("Upstash-Workflow-RunId", "wfr_1"),
        ("Upstash-Forward-X-Correlation-Id", &long),
        ("Upstash-Method", "TRACE"),
        ("Upstash-Timeout", "soon"),
        ("Upstash-Timeout", "0s"),
        ("Upstash-Timeout", "3h"),
        ("Upstash-Retries", "-1"),
        ("Upstash-Retries", "1.5"),
        ("Upstash-Retries", "101"),
        ("Upstash-Retries", "99999999999999999999"),
        ("Upstash-Retry-Delay", "1000 *"),
        ("Upstash-Retry-Delay", "system(1)"),
        ("Upstash-Retry-Delay", "attempt * 2"),
        ("Upstash-Delay", "5x"),
        ("Upstash-Delay", "-5s"),
        ("Upstash-Not-Before", "tomorrow"),
        ("Upstash-Not-Before", "-1"),
        ("Upstash-Content-Based-Deduplication", "perhaps"),
        ("Upstash-Callback", "example.com/report"),
        ("Upstash-Callback", "ftp://example.com"),
        ("Upstash-Failure-Callback", "http://"),
        ("Upstash-Callback-Method", "BREW"),
        ("Upstash-Callback-Timeout", "0s"),
        ("Upstash-Callback-Retries", "many"),
        ("Upstash-Callback-Retry-Delay", "pow(1)"),
        ("Upstash-Callback-Delay", "later"),
        ("Upstash-Callback-Callback", "https://example.com"),
        ("Upstash-Callback-Forward-(", "1"),
        ("Upstash-Forward-", "1"),
        ("Upstash-Header-Forward", "maybe"),
        ("Upstash-Label", &long),
        ("Upstash-Label", &many),
        ("Upstash-Cron", "* * * * *"),
        ("Upstash-Flow-Control-Key", "key"),
        ("Upstash-Flow-Control-Value", "rate=1"),
        ("Upstash-Queue-Name", "a/b"),
        ("Upstash-Redact-Fields", "bdy"),
        ("Upstash-Schedule-Id", "schedule"),
        ("Upstash-Delay", "365001d"),
        ("Upstash-Not-Before", "99999999999"),
        ("Upstash-Sigpost-Priority", "high"),
        ("Upstash-Sigpost-Prioriti", "1"),
    ];
    cases.map(|(name, value)| (name, value.to_owned())).to_vec()
}

#[tokio::test]
async fn invalid_header_is_rejected_by_name_and_nothing_is_stored() {
    let app = TestApp::start().await;
    for (name, value) in &wrong_headers() {
        let (name, value) = (*name, &**value);
        let answer = if name.contains('(') {
            // HTTP clients do not send such a header name; the query can contain it.
            let query = format!("{}=1&{}={}", name.to_lowercase(), CALLBACK.0.to_lowercase(), CALLBACK.1);
            app.publish(&app.receiver.url(&format!("/hook?{query}")), &[], "").await
        } else if name == CALLBACK.0 {
            app.publish_here(&[(name, value)], "").await
        } else {
            app.publish_here(&[(name, value), CALLBACK], "").await
        };
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {value}");
        assert!(answer.error().to_lowercase().starts_with(&name.to_lowercase()), "{name}: {}", answer.error());
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

/// Wire reference, section 10: row 25.
#[tokio::test]
async fn errors_have_the_texts_of_qstash() {
    let app = TestApp::start().await;
    let answer = app.publish_here(&[("Upstash-Deduplication-Id", "user:1")], "").await;
    assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, "DeduplicationId cannot contain ':'"));
    let group = app.publish("some-group", &[], "").await;
    assert_eq!((group.status, group.error()), (StatusCode::NOT_FOUND, "topic some-group not found"));
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
    assert_eq!(app.database.count("select count(*) from deduplications").await, 0);
}

#[tokio::test]
async fn parameter_that_is_not_utf_8_is_rejected() {
    let app = TestApp::start().await;
    for value in ["a%00b", "%ff"] {
        let answer = app.publish(&app.receiver.url(&format!("/hook?upstash-label={value}")), &[], "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.error().starts_with("Upstash-Label"), "{}", answer.error());
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn destination_must_be_an_http_url() {
    let app = TestApp::start().await;
    let long = format!("http://example.com/{}", "x".repeat(8192));
    let destinations = [
        "ftp://example.com/hook",
        "example.com/hook",
        "mailto%3Asomeone@example.com",
        "http://",
        "http:///hook",
        "https%3A%2F%2F%3Fa=1",
        "http%3A%2F%2Fexample%20host%2F",
        "http%3A%2F%2Fexample.com%2Fa%20b",
        "http%3A%2F%2Fexample.com%0A",
        "http%3A%2F%2Fexample.com%5C@other.example",
        "https://[::1",
        "https://example.com:99999/",
        "http%ff",
        &long,
    ];
    for destination in destinations {
        let answer = app.publish(destination, &[], "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{destination}");
        assert!(answer.error().starts_with("invalid destination url: "), "{destination}: {}", answer.error());
    }
    let model = app.publish("api/llm", &[], "").await;
    assert_eq!(model.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn oversized_body_is_rejected_with_or_without_content_length() {
    let app = TestApp::start_with(|config| config.limits.max_body_bytes = 1000).await;
    let chunks = || futures_util::stream::iter([Ok::<_, std::io::Error>(vec![b'x'; 600]), Ok(vec![b'x'; 600])]);
    for body in [Body::from(vec![b'x'; 1001]), Body::wrap_stream(chunks())] {
        let path = format!("/v2/publish/{}", app.receiver.url("/hook"));
        let answer = answered(app.request(Method::POST, &path).body(body)).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.error(), "body: quota maxMessageSize exceeded, current limit: 1000");
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}
