//! The options of a message, in every place that accepts them.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Map, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::stored::{everything, start_with_one_of_each};
use super::{CALLBACK, wrong_headers};
use crate::support::{TestApp, answered};

/// Options that only a schedule may have.
const OF_SCHEDULES: [&str; 2] = ["Upstash-Cron", "Upstash-Schedule-Id"];
const SCHEDULES: &str = "/v2/schedules/https://example.com";

/// Every request that accepts these options, each with a name for failures.
fn requests(app: &TestApp, headers: &[(&str, &str)]) -> Vec<(&'static str, RequestBuilder)> {
    let json: Map<_, _> = headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let batch = json!([{ "destination": "https://example.com", "headers": json }]);
    let mut requests = vec![
        ("a batch", app.request(Method::POST, "/v2/batch").json(&batch)),
        ("the defaults of a group", app.request(Method::PATCH, "/v2/topics/g").json(&json!({ "headers": json }))),
    ];
    // HTTP clients do not send such a header name.
    if headers.iter().any(|(name, _)| name.contains('(')) {
        return requests;
    }
    for path in ["/v2/enqueue/q/https://example.com", "/v2/publish/g", "/v2/dlq/retry", "/v2/dlq/retry/1-1", SCHEDULES]
    {
        let mut request = app.request(Method::POST, path);
        if path == SCHEDULES {
            if headers.iter().any(|(name, _)| OF_SCHEDULES.contains(name)) {
                continue;
            }
            request = request.header("Upstash-Cron", "1 1 1 1 *");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        requests.push((path, request));
    }
    requests
}

#[tokio::test]
async fn invalid_option_is_rejected_by_name_in_every_request() {
    let app = start_with_one_of_each().await;
    let before = everything(&app).await;
    for (name, value) in &wrong_headers() {
        let wrong = (*name, &**value);
        let headers = if *name == CALLBACK.0 { vec![wrong] } else { vec![wrong, CALLBACK] };
        for (where_it_is, request) in requests(&app, &headers) {
            let answer = answered(request).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{where_it_is}, {name}: {value}: {answer:?}");
            let named = answer.error().to_lowercase().contains(&format!("{}: ", name.to_lowercase()));
            assert!(named, "{where_it_is}, {name}: {}", answer.error());
        }
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn request_with_too_many_headers_is_rejected_in_json() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let publish = |count: usize| {
        let request = app.request(Method::POST, "/v2/publish/https://example.com");
        (0..count).fold(request, |request, number| request.header(format!("Upstash-Forward-X-{number}"), "1"))
    };
    assert_eq!(answered(publish(90)).await.status, StatusCode::OK);
    for count in [101, 150, 1000] {
        let answer = answered(publish(count)).await;
        assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{count}");
        assert!(answer.error().contains("at most 100"), "{}", answer.error());
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 1);
}

/// RFC 9112, section 3.2.
#[tokio::test]
async fn request_without_exactly_one_host_is_rejected() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let address = app.url.strip_prefix("http://").expect("a URL");
    for (version, hosts, expected) in [
        ("1.1", &["a.example"][..], "200"),
        ("1.1", &[], "400"),
        ("1.1", &["a.example", "a.example"], "400"),
        ("1.1", &["a.example", "b.example"], "400"),
        ("1.0", &[], "200"),
        ("1.0", &["a.example", "b.example"], "400"),
    ] {
        let mut connection = TcpStream::connect(address).await.expect("a connection");
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        let request = format!("GET /healthz HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.expect("sent");
        let mut response = String::new();
        connection.read_to_string(&mut response).await.expect("a response");
        let status = response.split(' ').nth(1);
        assert_eq!(status, Some(expected), "{request}{response}");
        assert!(
            expected == "200"
                || response.contains(r#"{"error":"host: the request has "#)
                    && response.contains("sigpost-request-id: req_"),
            "{response}"
        );
    }
}

#[tokio::test]
async fn correlation_id_is_accepted_up_to_its_limit() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let long = "x".repeat(129);
    let forward = [("X-Correlation-Id", &*long), ("Upstash-Header-Forward", "true")];
    assert_eq!(app.publish_here(&forward, "").await.status, StatusCode::BAD_REQUEST);
    let answer = app.publish_here(&[("Upstash-Forward-X-Correlation-Id", &"x".repeat(128))], "").await;
    assert_eq!(answer.status, StatusCode::OK);
}
