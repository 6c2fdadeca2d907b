//! The dispatch function under Lambda's conditions: frozen between invocations, and killed at any time.

mod admin;
mod burst;
mod death;
mod direct;
mod event_bridge;
mod further;
mod managed;
mod schedules;
mod traces;
mod visits;

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambda_emulator::{Definition, Function};
use reqwest::Method;
use serde_json::{Value, json};
use sigpost_qstash::{DEV_TOKEN, MessageId, SigningKeys};

use crate::support::{Answered, EventBridge, PATIENCE, Receiver, TestDatabase, answered};

/// Returns the program of a function: from the folder `SIGPOST_FUNCTIONS` with the output of `cargo lambda build`,
/// otherwise the program that was built with the tests from the same `main`.
fn program(function: &str, built: &str) -> PathBuf {
    match std::env::var_os("SIGPOST_FUNCTIONS") {
        Some(folder) => Path::new(&folder).join(function).join("bootstrap"),
        None => built.into(),
    }
}

/// A deployment of the dispatch function, and a destination.
struct Deployed {
    database: TestDatabase,
    dispatch: Function,
    url: String,
    receiver: Receiver,
    client: reqwest::Client,
}

/// The e-mail handler as a separate function.
struct EmailHandler {
    function: Function,
    url: String,
    /// The stand-in for Resend.
    resend: Receiver,
}

impl Deployed {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Definition)) -> Self {
        Self::start_on(TestDatabase::new().await, change).await
    }

    /// Starts dispatch with a handler, whose definition differs only in the program.
    async fn start_with_email_handler(change: impl FnOnce(&mut Definition)) -> (Self, EmailHandler) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (resend, keys) = (Receiver::start().await, SigningKeys::generate());
        let mut function = None;
        let deployed = Self::start_with(|definition| {
            let variables = [
                ("QSTASH_CURRENT_SIGNING_KEY", keys.current),
                ("QSTASH_NEXT_SIGNING_KEY", keys.next),
                ("BASE_URL", url.clone()),
                ("RESEND_API_KEY", "re_key".to_owned()),
                ("RESEND_BASE_URL", resend.url("/")),
                ("RESEND_FROM_EMAIL", "hello@acme.example".to_owned()),
            ];
            definition.variables.extend(variables.map(|(name, value)| (name.to_owned(), value)));
            change(definition);
            let program = program("send-email", env!("CARGO_BIN_EXE_email-handler"));
            function = Some(Function::new(Definition { program, ..definition.clone() }));
        })
        .await;
        let function = function.expect("made");
        function.serve_url(listener).expect("the handler's URL");
        (deployed, EmailHandler { function, url, resend })
    }

    /// Starts dispatch with schedules that this EventBridge fires.
    async fn start_with_event_bridge(event_bridge: &EventBridge) -> Self {
        let variables = event_bridge.environment().map(|(name, value)| (name.to_owned(), value));
        Self::start_with(|definition| definition.variables.extend(variables)).await
    }

    async fn start_on(database: TestDatabase, change: impl FnOnce(&mut Definition)) -> Self {
        let variables = [
            ("DATABASE_URL", database.url.as_str()),
            ("QSTASH_TOKEN", DEV_TOKEN),
            ("ALLOW_TARGETS", "127.0.0.0/8"),
            ("RUST_LOG", "warn"),
        ];
        let mut definition = Definition {
            program: program("dispatch", env!("CARGO_BIN_EXE_killable-dispatcher")),
            variables: HashMap::from(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))),
            timeout: Duration::from_secs(60),
            concurrency: 12,
            managed: None,
            log: true,
        };
        change(&mut definition);
        let dispatch = Function::new(definition);
        Self {
            url: dispatch.url().await.expect("a URL"),
            dispatch,
            database,
            receiver: Receiver::start().await,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        }
    }

    async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(DEV_TOKEN);
        let with_headers = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answered(with_headers.body(body.to_owned())).await
    }

    /// Publishes to the receiver.
    async fn publish(&self, headers: &[(&str, &str)], body: &str) -> MessageId {
        let path = format!("/v2/publish/{}", self.receiver.url("/hook"));
        self.request(Method::POST, &path, headers, body).await.id()
    }

    /// Invokes the function directly, as its schedules do.
    async fn invoke(&self, event: Value) -> Value {
        self.dispatch.invoke(event).await.expect("a response")
    }

    async fn tick(&self) -> Value {
        self.invoke(json!({"sigpost": "tick"})).await
    }

    /// Waits until every environment is idle.
    async fn at_rest(&self) {
        let rest = tokio::time::timeout(PATIENCE, self.dispatch.at_rest()).await;
        rest.expect("every environment becomes idle");
    }

    async fn state_of(&self, id: MessageId) -> String {
        let sql = "select state::text from message_states where id = $1::text::uuid";
        self.database.query(sql, &[&id.0.to_string()]).await[0].get(0)
    }

    /// Makes all scheduled messages due, and expires every lease.
    async fn make_messages_due(&self) {
        self.database.execute("update pending_deliveries set due_at = now(), lease_until = case when lease_until is not null then now() end").await;
    }
}
