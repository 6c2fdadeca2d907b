//! Authentication, unknown paths and probes.

use axum::Router;
use axum::routing::get;
use reqwest::{Method, StatusCode};
use sigpost_qstash::DEV_TOKEN;

use crate::support::{TestApp, answered, serve};

#[tokio::test]
async fn api_requires_the_token() {
    let app = TestApp::start().await;
    let publish = format!("/v2/publish/{}", app.receiver.url("/hook"));
    let routes = [
        (Method::POST, &*publish),
        (Method::GET, "/v2/messages/msg_1"),
        (Method::DELETE, "/v2/messages/msg_1"),
        (Method::GET, "/v2/events"),
        (Method::GET, "/v2/logs"),
        (Method::GET, "/v2/dlq"),
        (Method::GET, "/v2/dlq/1-1"),
        (Method::POST, "/v2/dlq/retry/1-1"),
        (Method::GET, "/v2/keys"),
        (Method::POST, "/v2/keys/rotate"),
        (Method::POST, "/v2/schedules/https://example.com"),
        (Method::POST, "/v2/Schedules/https://example.com"),
        (Method::GET, "/v2/schedules"),
        (Method::GET, "/v2/schedules/"),
        (Method::GET, "/v2/schedules/s"),
        (Method::DELETE, "/v2/schedules/s"),
        (Method::PATCH, "/v2/schedules/s/pause"),
        (Method::GET, "/v2/nothing"),
    ];
    for (method, path) in routes {
        let answer = answered(app.anonymous(method, path)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        let error = "unable to authenticate: the header Authorization is missing, expected \"Bearer <token>\"";
        assert_eq!((answer.error(), answer.code()), (error, "unauthorized"));
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn wrong_token_is_rejected_in_header_and_query() {
    let app = TestApp::start().await;
    let publish = format!("/v2/publish/{}", app.receiver.url("/hook"));
    let right_in_query = format!("{publish}?qstash_token={DEV_TOKEN}");
    let cases = [
        app.anonymous(Method::POST, &publish).bearer_auth("wrong"),
        app.anonymous(Method::POST, &publish).bearer_auth(""),
        app.anonymous(Method::POST, &publish).bearer_auth(&DEV_TOKEN[1..]),
        app.anonymous(Method::POST, &publish).basic_auth("Bearer", Some(DEV_TOKEN)),
        app.anonymous(Method::POST, &format!("{publish}?qstash_token=wrong")),
        // In the header it is accepted: the query is for callers that cannot set a header.
        app.anonymous(Method::POST, &right_in_query).bearer_auth("wrong"),
    ];
    for request in cases {
        assert_eq!(answered(request).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn unknown_paths_return_json_errors() {
    let app = TestApp::start().await;
    for (method, path, status) in [
        (Method::GET, "/v2/nothing", StatusCode::NOT_FOUND),
        (Method::POST, "/v2/publish/", StatusCode::NOT_FOUND),
        (Method::POST, "/v2/enqueue/queue", StatusCode::NOT_FOUND),
        (Method::POST, "/v2/enqueue//https://example.com", StatusCode::BAD_REQUEST),
        (Method::POST, "/v2/batch/trigger", StatusCode::NOT_FOUND),
        (Method::GET, "/v2/topics/group", StatusCode::NOT_FOUND),
        (Method::GET, "/v2/flowControl/key", StatusCode::NOT_FOUND),
        (Method::POST, "/v2/workflows/runs", StatusCode::NOT_FOUND),
        (Method::GET, "/v2/messages/", StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, "/v2/messages/", StatusCode::BAD_REQUEST),
        (Method::DELETE, "/v2/dlq/", StatusCode::BAD_REQUEST),
        (Method::GET, "/v2", StatusCode::NOT_FOUND),
        (Method::GET, "/v2/", StatusCode::NOT_FOUND),
        (Method::GET, "/v2/publish/https://example.com", StatusCode::METHOD_NOT_ALLOWED),
        (Method::PUT, "/v2/messages/msg_1", StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/v2/events", StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/openapi.json", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/v2/keys/rotate", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = answered(app.request(method.clone(), path)).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(!answer.error().is_empty());
    }
}

#[tokio::test]
async fn unsupported_and_unknown_paths_have_different_errors() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    for (path, told) in [
        ("/v2/workflows/runs", "/v2/workflows/runs: Upstash Workflow is not part of sigpost"),
        ("/v2/waiters/event", "/v2/waiters/event: Upstash Workflow is not part of sigpost"),
        ("/llm/v1/chat/completions", "/llm/v1/chat/completions: LLM completions are not part of sigpost"),
        ("/v2/publish/", "/v2/publish/: a non-empty destination must be provided"),
        ("/v2/enqueue/queue", "/v2/enqueue/queue: the queue or the destination is missing"),
        ("/v2/nothing", "POST /v2/nothing is not an endpoint"),
    ] {
        let answer = app.post(path).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::NOT_FOUND, told));
    }
}

#[tokio::test]
async fn panicking_route_returns_500_and_the_process_continues() {
    let broken = async || -> &'static str { panic!("a secret of the handler") };
    let router = Router::new().route("/broken", get(broken)).route("/whole", get(async || "fine"));
    let url = serve(router).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = answered(client.get(format!("{url}/broken"))).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::INTERNAL_SERVER_ERROR, "internal error"));
    let after = client.get(format!("{url}/whole")).send().await.expect("a response");
    assert_eq!(after.text().await.expect("a text"), "fine");
}
