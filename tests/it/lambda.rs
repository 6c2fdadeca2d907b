//! The same program is a Lambda function where the Runtime API is there.

use std::process::Stdio;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use sigpost_qstash::{DEV_TOKEN, MessageId};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

use crate::support::{TestDatabase, serve};

/// The Runtime API of one execution environment: the function asks for events and posts its answers.
struct RuntimeApi {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<(String, Value)>,
}

struct Lambda {
    events: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<(String, Value)>,
    _function: Child,
}

impl Lambda {
    async fn start(database: &TestDatabase) -> Self {
        let (events, next_events) = mpsc::unbounded_channel();
        let (answers, given_answers) = mpsc::unbounded_channel();
        let api = Arc::new(RuntimeApi { events: Mutex::new(next_events), answers });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(answer))
            .with_state(api);
        let url = serve(router).await;
        let function = Command::new(env!("CARGO_BIN_EXE_killable-dispatcher"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", url.trim_start_matches("http://"))
            .env("AWS_LAMBDA_FUNCTION_NAME", "dispatch")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("DATABASE_URL", &database.url)
            .env("QSTASH_TOKEN", DEV_TOKEN)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the function starts");
        Self { events, answers: given_answers, _function: function }
    }

    /// Invokes the function as its URL does, and returns what it answered to the runtime.
    async fn invoke(&mut self, method: &str, path: &str, body: &str) -> Value {
        self.events.send(function_url_event(method, path, body)).expect("the Runtime API runs");
        let answer = tokio::time::timeout(std::time::Duration::from_secs(20), self.answers.recv()).await;
        answer.expect("an answer within 20 s").expect("the Runtime API runs").1
    }
}

async fn next(State(api): State<Arc<RuntimeApi>>) -> Response {
    match api.events.lock().await.recv().await {
        Some(event) => {
            let headers = [
                ("lambda-runtime-aws-request-id", "11111111-2222-3333-4444-555555555555"),
                ("lambda-runtime-deadline-ms", "9999999999999"),
                ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:dispatch"),
            ];
            (headers, Json(event)).into_response()
        }
        None => std::future::pending().await,
    }
}

async fn answer(State(api): State<Arc<RuntimeApi>>, Path(id): Path<String>, answer: Bytes) -> Response {
    let _ = api.answers.send((id, serde_json::from_slice(&answer).expect("a JSON answer")));
    axum::http::StatusCode::ACCEPTED.into_response()
}

/// The event of a function URL, payload format 2.0, as AWS documents it.
fn function_url_event(method: &str, path: &str, body: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": { "authorization": format!("Bearer {DEV_TOKEN}"), "content-type": "application/json" },
        "requestContext": {
            "accountId": "anonymous", "apiId": "url", "domainName": "url.lambda-url.eu-central-1.on.aws",
            "domainPrefix": "url", "requestId": "r", "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2026:00:00:00 +0000", "timeEpoch": 1_795_305_600_000_i64,
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "test" },
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON")
}

#[tokio::test]
async fn a_function_url_publishes_and_knows_its_caller() {
    let database = TestDatabase::new().await;
    let mut lambda = Lambda::start(&database).await;
    let health = lambda.invoke("GET", "/healthz", "").await;
    assert_eq!((&health["statusCode"], body(&health)["status"].as_str()), (&json!(200), Some("ok")));

    let published = lambda.invoke("POST", "/v2/publish/https://example.com/a?b=c", r#"{"n": 1}"#).await;
    assert_eq!(published["statusCode"], 200, "{published}");
    let id: MessageId = serde_json::from_value(body(&published)["messageId"].clone()).expect("an id");
    let rows = database
        .query("select url, body, caller_ip from messages where id = $1::text::uuid", &[&id.0.to_string()])
        .await;
    assert_eq!(rows[0].get::<_, &str>(0), "https://example.com/a?b=c");
    assert_eq!(rows[0].get::<_, &[u8]>(1), br#"{"n": 1}"#);
    assert_eq!(rows[0].get::<_, &str>(2), "203.0.113.7");
}
