//! One scenario: it sends requests, records the responses, and compares them with the recording.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, mem, thread};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dispatch::Config;
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value};
use sigpost_health::Rules;
use sigpost_qstash::MessageId;
use sigpost_store::Database;

use super::difference::difference;
use super::folder;
use super::normaliser::Normaliser;
use super::print::print;
use crate::admin::{TOKEN, with_token};
use crate::support::{Answered, Receiver, TestApp, TestDatabase, serve};

/// Headers of responses that are recorded.
const RECORDED: &[&str] = &["link", "retry-after"];

/// A running scenario.
pub(super) struct Session {
    pub(super) app: TestApp,
    scenario: &'static str,
    admin_url: String,
    client: reqwest::Client,
    normaliser: Normaliser,
    exchanges: Vec<Value>,
}

/// A request to record.
struct Sent<'a> {
    method: Method,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

impl Session {
    /// Starts a scenario on an app with a dispatcher.
    pub(super) async fn start(scenario: &'static str) -> Self {
        Self::start_with(scenario, |_| {}).await
    }

    pub(super) async fn start_with(scenario: &'static str, change: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::start_on(&TestDatabase::new().await, change).await;
        let database = Database::new(&app.database.url, 2).expect("a URL");
        let mut normaliser = Normaliser::default();
        normaliser.names.add_server(&app.receiver.url(""), "receiver");
        Self {
            app,
            scenario,
            admin_url: serve(admin::router(database, with_token(), Rules::default())).await,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
            normaliser,
            exchanges: Vec::new(),
        }
    }

    /// Assigns a name to another server.
    pub(super) fn name_server(&mut self, receiver: &Receiver, name: &str) {
        self.normaliser.names.add_server(&receiver.url(""), name);
    }

    /// Assigns a name to a text in a path, such as a time in milliseconds. Returns the text.
    pub(super) fn name(&mut self, text: impl ToString, name: &str) -> String {
        self.normaliser.names.add(text.to_string(), name);
        text.to_string()
    }

    /// Waits for two milliseconds, so that no later event has the time of an earlier one, and a cancellation, which
    /// is logged one millisecond after its request, has ended.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    /// Releases a held response of the receiver.
    pub(super) async fn release(&self) {
        self.settle().await;
        self.app.receiver.release(1);
    }

    /// Sends a request with the token.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answered {
        let body = body.as_ref();
        let mut request = self.app.request(method.clone(), path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method != Method::GET {
            self.settle().await;
            request = request.body(body.to_vec());
        }
        self.record(Sent { method, path, headers, body }, request).await
    }

    pub(super) async fn get(&mut self, path: &str) -> Value {
        self.send(Method::GET, path, &[], "").await.body
    }

    pub(super) async fn post(&mut self, path: &str) -> Value {
        self.send(Method::POST, path, &[], "").await.body
    }

    pub(super) async fn delete(&mut self, path: &str) -> Value {
        self.send(Method::DELETE, path, &[], "").await.body
    }

    pub(super) async fn send_json(&mut self, method: Method, path: &str, body: Value) -> Value {
        self.send(method, path, &[("Content-Type", "application/json")], body.to_string()).await.body
    }

    /// Sends a GET request to the admin API.
    pub(super) async fn admin(&mut self, path: &str) -> Value {
        let path = format!("/api/admin/{path}");
        let request = self.client.get(format!("{}{path}", self.admin_url)).bearer_auth(TOKEN);
        self.record(Sent { method: Method::GET, path: &path, headers: &[], body: &[] }, request).await.body
    }

    /// Publishes to this path of the receiver.
    pub(super) async fn publish(&mut self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> MessageId {
        let path = format!("/v2/publish/{}", self.app.receiver.url(path));
        self.send(Method::POST, &path, headers, body).await.id()
    }

    /// Reads a message and its log.
    pub(super) async fn show(&mut self, id: MessageId) {
        self.get(&format!("/v2/events?messageId={id}&order=earliestFirst")).await;
        self.get(&format!("/v2/messages/{id}")).await;
    }

    async fn record(&mut self, sent: Sent<'_>, request: RequestBuilder) -> Answered {
        let response = request.send().await.expect("a response");
        let status = response.status();
        let mut exchange = Map::new();
        exchange.insert("request".to_owned(), format!("{} {}", sent.method, self.normaliser.path(sent.path)).into());
        let headers: Map<_, _> =
            sent.headers.iter().map(|(name, value)| ((*name).to_owned(), self.normaliser.text(value).into())).collect();
        if !headers.is_empty() {
            exchange.insert("requestHeaders".to_owned(), headers.into());
        }
        if !sent.body.is_empty() {
            let base64 = || format!("base64: {}", BASE64_STANDARD.encode(sent.body));
            let text = std::str::from_utf8(sent.body).map_or_else(|_| base64(), |text| self.normaliser.text(text));
            exchange.insert("requestBody".to_owned(), text.into());
        }
        exchange.insert("status".to_owned(), status.as_u16().into());
        for name in RECORDED {
            if let Some(value) = response.headers().get(*name) {
                let value = self.normaliser.text(value.to_str().expect("ASCII"));
                exchange.insert((*name).to_owned(), value.into());
            }
        }
        let headers = response.headers().clone();
        let text = response.text().await.expect("a whole response");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        exchange.insert("response".to_owned(), self.normaliser.body(&body));
        self.exchanges.push(exchange.into());
        Answered { status, headers, body }
    }

    /// Compares the exchanges with the recording, or writes the recording.
    pub(super) fn finish(mut self) {
        let exchanges = mem::take(&mut self.exchanges);
        let path = self.recording();
        if env::var_os("SIGPOST_RECORD").is_some() {
            let text = print(&Value::from(exchanges)) + "\n";
            fs::write(&path, text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            return;
        }
        let recorded = read(&path);
        let mut differences = differences(&recorded, &exchanges);
        if recorded.len() != exchanges.len() {
            let (before, now) = (recorded.len(), exchanges.len());
            differences.push(format!("the recording has {before} exchanges, this run has {now}"));
        }
        assert!(differences.is_empty(), "scenario {}\n{}", self.scenario, differences.join("\n"));
    }

    fn recording(&self) -> PathBuf {
        folder().join(format!("{}.json", self.scenario))
    }
}

/// When a scenario panics, prints the differences of its responses so far.
impl Drop for Session {
    fn drop(&mut self) {
        if thread::panicking() && !self.exchanges.is_empty() && self.recording().exists() {
            let differences = differences(&read(&self.recording()), &self.exchanges).join("\n");
            eprintln!("scenario {}, stopped after {} exchanges\n{differences}", self.scenario, self.exchanges.len());
        }
    }
}

/// Returns the differing exchanges with their differences.
fn differences(recorded: &[Value], now: &[Value]) -> Vec<String> {
    let differing = recorded.iter().zip(now).enumerate().filter(|(_, (recorded, now))| recorded != now);
    differing
        .map(|(index, (recorded, now))| {
            format!("exchange {index}, {}\n{}", now["request"], difference(&print(recorded), &print(now)))
        })
        .collect()
}

fn read(path: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|why| panic!("{}: {why}; SIGPOST_RECORD=1 writes the recordings", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}
