//! A deployment as in production: a dispatcher, and handlers on a separate server.

use axum::Router;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use sigpost_jobs::{Handlers, Harness, Job};
use sigpost_qstash::{MessageId, Signer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::actor::{Actor, Play, Stage, actor};
use crate::support::{TestApp, TestDatabase};

/// A dispatcher with handlers.
pub(crate) struct Deployment {
    pub(crate) app: TestApp,
    /// The base URL of the handlers.
    pub(crate) url: String,
    client: reqwest::Client,
}

/// The response to a delivery.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answered {
    /// Returns status and error text.
    pub(crate) fn rejection(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["error"].as_str().unwrap_or_else(|| panic!("no error in {self:?}")))
    }

    /// Returns `Retry-After` in seconds.
    pub(crate) fn retry_after(&self) -> u64 {
        self.headers["retry-after"].to_str().expect("ASCII").parse().expect("seconds")
    }
}

impl Deployment {
    /// Starts a dispatcher, with handlers from a harness.
    pub(crate) async fn start(handlers: impl FnOnce(Harness) -> Router) -> Self {
        Self::of(TestApp::start().await, handlers).await
    }

    /// Starts handlers for this dispatcher.
    pub(crate) async fn of(app: TestApp, handlers: impl FnOnce(Harness) -> Router) -> Self {
        let (listener, url) = listen().await;
        let database = sigpost_store::Database::new(&app.database.url, 3).expect("a URL");
        let harness = Harness::new(database, app.app.keys(), url.clone());
        serve(listener, handlers(harness));
        Self { app, url, client: reqwest::Client::builder().no_proxy().build().expect("a client") }
    }

    /// Starts one handler that the test controls.
    pub(crate) async fn acting() -> (Self, Stage) {
        Self::acting_with(|harness| harness).await
    }

    /// Like `acting`, on a harness that the test changes.
    pub(crate) async fn acting_with(change: impl FnOnce(Harness) -> Harness) -> (Self, Stage) {
        let (actor, stage) = actor();
        let deployment = Self::start(|harness| sigpost_jobs::router::<Actor>(actor, change(harness))).await;
        (deployment, stage)
    }

    /// Like `acting`, with handlers that connect to Postgres through this URL.
    pub(crate) async fn acting_over(database_url: &str, database: &TestDatabase) -> (Self, Stage) {
        let (actor, stage) = actor();
        let handlers_database = sigpost_store::Database::new(database_url, 3).expect("a URL");
        let app = TestApp::start_on(database, |_| {}).await;
        let handlers =
            |harness: Harness| sigpost_jobs::router(actor, Harness { database: handlers_database, ..harness });
        (Self::of(app, handlers).await, stage)
    }

    /// Returns the handlers' settings for a client that enqueues.
    pub(crate) fn handlers(&self) -> Handlers {
        Handlers::at(&self.url).expect("a URL")
    }

    /// Returns the URL of this job type.
    pub(crate) fn endpoint<J: Job>(&self) -> String {
        format!("{}{}", self.url, J::ENDPOINT)
    }

    /// Publishes a job through the dispatcher.
    pub(crate) async fn publish<J: Job>(&self, headers: &[(&str, &str)], body: &Value) -> MessageId {
        self.app.publish(&self.endpoint::<J>(), headers, &body.to_string()).await.id()
    }

    /// Returns a delivery without a signature.
    pub(crate) fn unsigned(&self, id: MessageId, body: &str) -> RequestBuilder {
        self.unsigned_to(self.endpoint::<Play>(), id, body)
    }

    fn unsigned_to(&self, url: String, id: MessageId, body: &str) -> RequestBuilder {
        let request = self.client.post(url).body(body.to_owned());
        request.header("Content-Type", "application/json").header("Upstash-Message-Id", id.to_string())
    }

    /// Returns a delivery with the dispatcher's signature.
    pub(crate) fn delivery(&self, id: MessageId, body: &str) -> RequestBuilder {
        self.delivery_of::<Play>(id, body)
    }

    /// Returns a delivery of another job type.
    pub(crate) fn delivery_of<J: Job>(&self, id: MessageId, body: &str) -> RequestBuilder {
        let url = self.endpoint::<J>();
        let token = self.app.app.keys().keys().signer.sign(&url, body.as_bytes(), Timestamp::now());
        self.unsigned_to(url, id, body).header("Upstash-Signature", token)
    }

    /// Returns a delivery signed with this key.
    pub(crate) fn delivery_by(&self, key: &str, id: MessageId, body: &str) -> RequestBuilder {
        let token = Signer::new(key).sign(&self.endpoint::<Play>(), body.as_bytes(), Timestamp::now());
        self.unsigned(id, body).header("Upstash-Signature", token)
    }

    /// Returns the runs of a message, oldest first.
    pub(crate) async fn runs(&self, id: MessageId) -> Vec<Value> {
        let sql = "select to_jsonb(r)::text from job_executions r where message_id = $1 order by created_at, id";
        let rows = self.app.database.query(sql, &[&id.to_string()]).await;
        rows.iter().map(|row| serde_json::from_str(row.get(0)).expect("JSON")).collect()
    }

    /// Returns the runs of a message in short form: `2 completed`, `1 failed: why`.
    pub(crate) async fn story(&self, id: MessageId) -> Vec<String> {
        let text = |run: &Value, name: &str| run[name].as_str().map(str::to_owned);
        let tell = |run: &Value| {
            let error = text(run, "error").map(|error| format!(": {error}")).unwrap_or_default();
            format!("{} {}{error}", run["attempt"], text(run, "status").expect("a status"))
        };
        self.runs(id).await.iter().map(tell).collect()
    }

    /// Returns the number of recorded runs of all messages.
    pub(crate) async fn run_count(&self) -> i64 {
        self.app.database.count("select count(*) from job_executions").await
    }

    /// Returns the error in the last response of the message's dead letter.
    pub(crate) async fn dead_letter_error(&self, id: MessageId) -> String {
        let letter = self.app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0].clone();
        assert_eq!(letter["responseStatus"], 489, "not a permanent failure: {letter}");
        let said: Value = serde_json::from_str(letter["responseBody"].as_str().expect("a text")).expect("JSON");
        said["error"].as_str().expect("an error").to_owned()
    }

    /// Returns the only dead letter.
    pub(crate) async fn dead_letter(&self) -> Value {
        let mut page = self.app.get("/v2/dlq").await.body;
        let letters = page["messages"].as_array_mut().expect("a list");
        assert_eq!(letters.len(), 1, "{letters:?}");
        letters.remove(0)
    }
}

/// Binds a free port before its router exists, because handlers must know their own URL.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    (listener, url)
}

/// Serves a router until the test ends.
pub(crate) fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(sigpost_runtime::serve::serve_on(listener, router, std::future::pending()));
}

/// Sends a request and reads the JSON response.
pub(crate) async fn answer(request: RequestBuilder) -> Answered {
    let response = request.send().await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a complete response");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} without JSON: {text:?}"));
    let id = headers["sigpost-request-id"].to_str().expect("text");
    if body.get("error").is_some() {
        assert!(body["code"].is_string() && body["requestId"] == id, "{body}");
    }
    Answered { status, headers, body }
}

/// Sends a request in the background.
pub(crate) fn answer_later(request: RequestBuilder) -> JoinHandle<Answered> {
    tokio::spawn(answer(request))
}
