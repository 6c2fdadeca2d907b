//! A running dispatch function on its own port, with an authenticated client.

use std::sync::{Arc, Mutex};

use axum::Router;
use dispatch::config::Secret;
use dispatch::dispatcher::{Dispatcher, Settings, Step, StepKind};
use dispatch::{App, BodyBudget, Config};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use sigpost_client::{Client, Credentials, EventFilter, MessageFilter};
use sigpost_qstash::{DEV_TOKEN, ErrorCode, Limits, MessageId, SigningKeys};
use sigpost_runtime::AddressPolicy;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

use super::receiver::PATIENCE;
use super::{Receiver, TestDatabase};

/// The function, its database and a destination.
pub(crate) struct TestApp {
    pub(crate) url: String,
    pub(crate) app: App,
    pub(crate) database: TestDatabase,
    pub(crate) receiver: Receiver,
    steps: Arc<Steps>,
    client: reqwest::Client,
}

#[derive(Default)]
struct Steps {
    seen: Mutex<Vec<Step>>,
    more: Notify,
}

/// The response to a request.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answered {
    /// Returns the ID of the published message.
    pub(crate) fn id(&self) -> MessageId {
        serde_json::from_value(self.body["messageId"].clone()).unwrap_or_else(|_| panic!("no id in {self:?}"))
    }

    /// Returns the code of an error.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_else(|| panic!("no code in {self:?}"))
    }

    /// Checks what every response has: the request ID, and in an error its code.
    fn check(&self) {
        let id = self.headers.get("sigpost-request-id").unwrap_or_else(|| panic!("no request ID: {self:?}"));
        if !self.status.is_success() {
            assert_eq!(self.body["requestId"], id.to_str().expect("text"), "{self:?}");
            let code = ErrorCode::ALL.iter().find(|code| code.as_str() == self.code());
            assert_eq!(code.map(|code| code.status()), Some(self.status.as_u16()), "{self:?}");
            assert!(!self.error().is_empty(), "{self:?}");
        }
    }

    pub(crate) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_else(|| panic!("no error in {self:?}"))
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(&TestDatabase::new().await, change).await
    }

    /// Starts the function on a database that may have messages or another dispatcher.
    pub(crate) async fn start_on(database: &TestDatabase, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(&database.url);
        change(&mut config);
        let app = App::start(config).await.expect("the app starts");
        let steps = app.dispatcher().map(watch).unwrap_or_default();
        Self {
            url: serve(app.router()).await,
            app,
            database: database.clone(),
            receiver: Receiver::start().await,
            steps,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        }
    }

    /// Returns a typed client.
    pub(crate) fn api(&self) -> Client {
        Client::new(&self.url, Credentials::Token(DEV_TOKEN.to_owned())).expect("a client")
    }

    /// Returns a request with the token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(DEV_TOKEN)
    }

    /// Returns a request without a token.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Publishes to a destination.
    pub(crate) async fn publish(&self, destination: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let mut request = self.request(Method::POST, &format!("/v2/publish/{destination}")).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answered(request).await
    }

    /// Publishes to this test's receiver.
    pub(crate) async fn publish_here(&self, headers: &[(&str, &str)], body: &str) -> Answered {
        self.publish(&self.receiver.url("/hook"), headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        answered(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answered {
        answered(self.request(Method::POST, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answered {
        answered(self.request(Method::DELETE, path)).await
    }

    /// Returns the message object.
    pub(crate) async fn message(&self, id: MessageId) -> Value {
        self.get(&format!("/v2/messages/{id}")).await.body
    }

    /// Returns a message's log, oldest first.
    pub(crate) async fn events(&self, id: MessageId) -> Vec<Value> {
        let page = self.get(&format!("/v2/events?messageId={id}&order=earliestFirst")).await;
        page.body["events"].as_array().unwrap_or_else(|| panic!("no events in {page:?}")).clone()
    }

    /// Returns the states in a message's log, oldest first, separated by spaces.
    pub(crate) async fn states(&self, id: MessageId) -> String {
        let messages = MessageFilter { message_ids: vec![id.to_string()], ..MessageFilter::default() };
        let filter = EventFilter { messages, earliest_first: true, ..EventFilter::default() };
        let page = self.api().list_events(&filter).await.expect("events");
        let states: Vec<&str> = page.events.iter().map(|event| event.state.as_str()).collect();
        states.join(" ")
    }

    /// Returns the only event of a message with this state.
    pub(crate) async fn event(&self, id: MessageId, state: &str) -> Value {
        let events: Vec<Value> = self.events(id).await.into_iter().filter(|event| event["state"] == state).collect();
        let [event] = &events[..] else { panic!("{} events are {state}", events.len()) };
        event.clone()
    }

    /// Waits until a step of this kind has happened to the message `times` times.
    pub(crate) async fn wait_for_times(&self, id: MessageId, kind: StepKind, times: usize) {
        let happened = || {
            let seen = self.steps.seen.lock().expect("lock");
            seen.iter().filter(|step| step.id == id && step.kind == kind).count() >= times
        };
        let wait = async {
            loop {
                let more = self.steps.more.notified();
                if happened() {
                    return;
                }
                more.await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("{kind:?} of {id} did not happen {times} times; seen: {:?}", self.steps.seen.lock().expect("lock"));
        }
    }

    /// Waits until a step of this kind has happened to the message.
    pub(crate) async fn wait_for(&self, id: MessageId, kind: StepKind) {
        self.wait_for_times(id, kind, 1).await;
    }

    /// Returns the number of messages that this process accepted: published, or fired by a schedule.
    pub(crate) fn accepted_so_far(&self) -> usize {
        self.steps.seen.lock().expect("lock").iter().filter(|step| step.kind == StepKind::Accepted).count()
    }

    /// Waits until this process has accepted this many messages.
    pub(crate) async fn wait_for_accepted(&self, count: usize) {
        let wait = async {
            loop {
                let more = self.steps.more.notified();
                if self.accepted_so_far() >= count {
                    return;
                }
                more.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| {
            panic!("{} messages were accepted instead of {count}", self.accepted_so_far());
        });
    }

    /// Makes all scheduled messages due now.
    pub(crate) async fn make_messages_due(&self) {
        let sql =
            "update pending_deliveries set due_at = least(due_at, now()) where lease_token is null; notify sigpost";
        self.database.execute(sql).await;
    }
}

/// Collects the steps of a dispatcher from now on.
fn watch(dispatcher: &Dispatcher) -> Arc<Steps> {
    let steps = Arc::new(Steps::default());
    let (mut watch, collected) = (dispatcher.watch(), Arc::clone(&steps));
    tokio::spawn(async move {
        loop {
            match watch.recv().await {
                Ok(step) => collected.seen.lock().expect("lock").push(step),
                // Tests that wait for steps have few messages.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
            collected.more.notify_waiters();
        }
    });
    steps
}

/// Returns the default configuration of a test's function.
pub(crate) fn config(database_url: &str) -> Config {
    Config {
        database_url: Secret(database_url.to_owned()),
        database_connections: 4,
        token: Secret(DEV_TOKEN.to_owned()),
        api_rate_limit: None,
        first_keys: SigningKeys::dev(),
        limits: Limits::default(),
        bodies: BodyBudget::default(),
        address_policy: AddressPolicy::with_loopback(),
        deduplicating: dispatch::Deduplicating::default(),
        event_bridge: None,
        dispatcher: Some(Settings::default()),
    }
}

/// Serves a router on a free port until the test ends. Returns its URL.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(sigpost_runtime::serve::serve_on(listener, router, std::future::pending()));
    url
}

/// Sends a request and reads the JSON response.
pub(crate) async fn answered(request: RequestBuilder) -> Answered {
    let response = request.send().await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a complete response");
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} without JSON: {text:?}"));
    let answer = Answered { status, headers, body };
    answer.check();
    answer
}
