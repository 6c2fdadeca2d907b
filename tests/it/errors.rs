//! Error responses: their codes, their request IDs and their texts.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answered, TestApp, answered};

async fn start() -> TestApp {
    TestApp::start_with(|config| config.dispatcher = None).await
}

/// Returns the warnings of a response.
fn warnings(answer: &Answered) -> Vec<&str> {
    answer.headers.get_all("sigpost-warning").iter().map(|value| value.to_str().expect("text")).collect()
}

#[tokio::test]
async fn error_has_a_code_and_the_request_id_of_its_header() {
    let app = start().await;
    let long = "x".repeat(10_000_001);
    let forbidden = app.database.create_token("reader", sigpost_store::api_tokens::Scope::Read, None).await;
    for (request, status, code) in [
        (app.request(Method::POST, "/v2/publish/https://a.example?upstash-delay=x"), 400, "invalid_header"),
        (app.request(Method::GET, "/v2/events?count=x"), 400, "invalid_parameter"),
        (app.request(Method::GET, "/v2/queues/a%20b"), 400, "invalid_parameter"),
        (app.request(Method::POST, "/v2/queues").body("{}"), 400, "invalid_body"),
        (app.request(Method::POST, "/v2/publish/ftp://a.example"), 400, "invalid_destination"),
        (app.request(Method::POST, "/v2/publish/http://10.0.0.1"), 400, "invalid_destination"),
        (app.request(Method::DELETE, "/v2/messages/"), 400, "invalid_request"),
        (app.anonymous(Method::GET, "/v2/queues"), 401, "unauthorized"),
        (app.anonymous(Method::POST, "/v2/queues").bearer_auth(&forbidden), 403, "forbidden"),
        (app.request(Method::GET, "/v2/queues/none"), 404, "not_found"),
        (app.request(Method::GET, "/v2/none"), 404, "not_found"),
        (app.request(Method::PUT, "/v2/queues"), 405, "method_not_allowed"),
        (
            app.request(Method::POST, "/v2/queues").json(&json!({ "queueName": "q", "parallelism": 9999 })),
            412,
            "quota_exceeded",
        ),
        (app.request(Method::POST, "/v2/publish/https://a.example").body(long), 413, "payload_too_large"),
    ] {
        // Compares the request ID of body and header.
        let answer = answered(request).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{answer:?}");
    }
}

#[tokio::test]
async fn every_request_has_another_id() {
    let app = start().await;
    let mut ids = std::collections::BTreeSet::new();
    for path in ["/healthz", "/readyz", "/v2/queues", "/v2/none", "/openapi.json"] {
        let id = app.get(path).await.headers["sigpost-request-id"].to_str().expect("text").to_owned();
        assert!(id.starts_with("req_") && ids.insert(id), "{path}: {ids:?}");
    }
}

#[tokio::test]
async fn unsupported_method_names_the_supported_ones() {
    let app = start().await;
    for (method, path, allowed, error) in [
        (Method::PUT, "/v2/queues", "POST,GET,HEAD", "PUT is not supported on /v2/queues, use POST, GET or HEAD"),
        (Method::GET, "/v2/batch", "POST", "GET is not supported on /v2/batch, use POST"),
        (Method::POST, "/healthz", "GET,HEAD", "POST is not supported on /healthz, use GET or HEAD"),
    ] {
        let answer = answered(app.request(method, path)).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::METHOD_NOT_ALLOWED, error));
        assert_eq!(answer.headers["allow"], allowed);
    }
}

#[tokio::test]
async fn misspelt_header_gets_a_warning_with_the_closest_name() {
    let app = start().await;
    let warning = "unknown header upstash-retrys (did you mean Upstash-Retries?)";
    let wrong = ("Upstash-Retrys", "5");
    let item = json!({ "destination": "https://a.example", "headers": { "Upstash-Retrys": "5" } });
    let endpoints = json!({ "endpoints": [{ "url": "https://a.example" }] });
    assert_eq!(
        answered(app.request(Method::POST, "/v2/topics/g/endpoints").json(&endpoints)).await.status,
        StatusCode::OK
    );
    for request in [
        app.request(Method::POST, "/v2/publish/https://a.example").header(wrong.0, wrong.1),
        app.request(Method::POST, "/v2/publish/https://a.example?upstash-retrys=5"),
        app.request(Method::POST, "/v2/enqueue/q/https://a.example").header(wrong.0, wrong.1),
        app.request(Method::POST, "/v2/batch").json(&json!([item, item])),
        app.request(Method::POST, "/v2/schedules/https://a.example")
            .header("Upstash-Cron", "1 1 1 1 *")
            .header(wrong.0, wrong.1),
        app.request(Method::POST, "/v2/dlq/retry").header(wrong.0, wrong.1),
        app.request(Method::PATCH, "/v2/topics/g").json(&json!({ "headers": { "Upstash-Retrys": "5" } })),
    ] {
        let answer = answered(request).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(warnings(&answer), [warning], "{answer:?}");
    }
    let known =
        [("Upstash-Retries", "5"), ("Upstash-Telemetry-Sdk", "x"), ("Upstash-Forward-X", "1"), ("Upstash-Region", "x")];
    assert_eq!(warnings(&app.publish_here(&known, "").await), [""; 0]);
}

#[tokio::test]
async fn unknown_extension_is_rejected_with_the_closest_name() {
    let app = start().await;
    let answer = app.publish_here(&[("Upstash-Sigpost-Prioriti", "1")], "").await;
    let error = "Upstash-Sigpost-Prioriti: unknown header, did you mean Upstash-Sigpost-Priority?";
    assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, error));
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn error_shows_the_value_and_cuts_a_long_one() {
    let app = start().await;
    let answer = app.publish_here(&[("Upstash-Retries", "101")], "").await;
    assert_eq!(answer.error(), "Upstash-Retries: must not be more than 100, got \"101\"");
    let answer = app.publish_here(&[("Upstash-Delay", &"x".repeat(1000))], "").await;
    assert!(answer.error().ends_with(&format!(", got \"{}…\"", "x".repeat(64))), "{answer:?}");
    let answer = app.get("/v2/queues/a%20b").await;
    let form = "must be a name of letters, digits, hyphens, underscores and periods";
    assert_eq!(answer.error(), format!("queueName: {form}, got \"a b\""));
}

#[tokio::test]
async fn invalid_batch_has_no_words_of_rust() {
    let app = start().await;
    for (body, error) in [
        ("{}", "invalid body: expected a JSON array of messages, got an object"),
        ("nonsense", "invalid body: not valid JSON at line 1 column 2"),
        ("", "invalid body: expected a JSON array of messages, got an empty body"),
        (
            "[{\"destination\": 7}]",
            "no item of the batch is valid; the first: [0].destination: must be a string, got 7",
        ),
    ] {
        let answer = answered(app.request(Method::POST, "/v2/batch").body(body)).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, error));
    }
    let items = json!([{ "destination": "https://a.example" }, { "destination": "https://a.example", "headers": [] }]);
    let answer = answered(app.request(Method::POST, "/v2/batch").json(&items)).await;
    let rejected: &Value = &answer.body[1];
    assert_eq!(
        (&rejected["error"], &rejected["code"]),
        (&json!("[1].headers: must be an object, got an array"), &json!("invalid_body"))
    );
    assert_eq!(rejected["requestId"], answer.headers["sigpost-request-id"].to_str().expect("text"));
}

#[tokio::test]
async fn openapi_document_lists_the_codes() {
    let schemas = &start().await.get("/openapi.json").await.body["components"]["schemas"];
    let codes: Vec<_> = sigpost_qstash::ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(schemas["ErrorCode"]["enum"], json!(codes));
    assert_eq!(schemas["ErrorBody"]["required"], json!(["error", "code", "requestId"]));
}

/// The page of limits documents these responses of the HTTP parser.
#[tokio::test]
async fn malformed_http_is_rejected_without_a_body() {
    let app = start().await;
    let address = app.url.strip_prefix("http://").expect("a URL");
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(65_535));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: 1\r\n".repeat(4096));
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: a\r\nUpstash Delay: 1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpstash-Delay: \u{1}\r\n\r\n", "400"),
        ("nonsense\r\n\r\n", "400"),
        (&*long, "414"),
        (&*many, "431"),
    ] {
        let mut connection = TcpStream::connect(address).await.expect("a connection");
        connection.write_all(request.as_bytes()).await.expect("sent");
        let mut response = Vec::new();
        connection.read_to_end(&mut response).await.expect("a response");
        let response = String::from_utf8(response).expect("text");
        assert_eq!(response.split(' ').nth(1), Some(status), "{response}");
        assert!(response.ends_with("\r\n\r\n") && response.contains("content-length: 0"), "{response}");
    }
}
