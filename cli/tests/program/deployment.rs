//! A `sigpost dev` process with a destination, and commands of the CLI on it.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use serde_json::Value;
use sigpost_qstash::DEV_TOKEN;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::running::{Running, finished, folder, sigpost};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Deployment {
    pub(crate) url: String,
    /// URL of the destination.
    pub(crate) destination: String,
    client: reqwest::Client,
    pushes: UnboundedReceiver<(String, String)>,
    fails: Arc<AtomicBool>,
    _dev: Running,
    _folder: tempfile::TempDir,
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        let folder = folder();
        let path = folder.path().to_owned();
        let (dev, url) = tokio::task::spawn_blocking(move || Running::dev(&path)).await.expect("it starts");
        let (sender, pushes) = unbounded_channel();
        let fails = Arc::new(AtomicBool::new(false));
        let failing = Arc::clone(&fails);
        let answer = async move |uri: Uri, body: String| {
            let _ = sender.send((uri.path().to_owned(), body));
            let fails = failing.load(Ordering::Relaxed) && uri.path() == "/hook";
            if fails { (StatusCode::INTERNAL_SERVER_ERROR, "sorry\u{1b}[31m") } else { (StatusCode::OK, "") }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let destination = format!("http://{}/hook", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { url, destination, client, pushes, fails, _dev: dev, _folder: folder }
    }

    /// Sets whether the destination responds 500.
    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    /// Waits for the next delivery. Returns its path and body.
    pub(crate) async fn pushed(&mut self) -> (String, String) {
        timeout(PATIENCE, self.pushes.recv()).await.expect("a delivery").expect("a destination")
    }

    /// Whether no further delivery was received.
    pub(crate) fn nothing_more(&mut self) -> bool {
        self.pushes.try_recv().is_err()
    }

    /// Creates a command on this deployment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sigpost(arguments);
        command.env("QSTASH_URL", &self.url);
        command
    }

    /// Runs a command to its end and asserts that piped output has no escape codes.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = finished(self.command(arguments));
        for printed in [&output.stdout, &output.stderr] {
            assert!(!printed.contains(&0x1b), "{arguments:?}: {}", String::from_utf8_lossy(printed));
        }
        output
    }

    /// Runs a command and returns its text output.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// Runs a command and returns its JSON output.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--json"]].concat())).expect("JSON")
    }

    /// Runs a command, asserts exit code 1, and returns stderr.
    pub(crate) fn rejection(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).expect("text")
    }

    /// Sends a GET request to the API.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let asked = self.client.get(format!("{}{path}", self.url)).bearer_auth(DEV_TOKEN).send();
        asked.await.expect("a response").json().await.expect("JSON")
    }

    /// Publishes messages to the destination, with numbered bodies, and waits until all have become dead letters.
    pub(crate) async fn fail_for_good(&mut self, count: usize, label: &str) {
        self.fail(true);
        let reported = self.destination.replace("/hook", "/failed");
        let headers = serde_json::json!({
            "Upstash-Retries": "0", "Upstash-Label": label, "Upstash-Failure-Callback": reported,
        });
        let item = |n| serde_json::json!({ "destination": self.destination, "headers": headers, "body": format!("{label} {n}") });
        let batch: Vec<Value> = (0..count).map(item).collect();
        let sent = self.client.post(format!("{}/v2/batch", self.url)).bearer_auth(DEV_TOKEN).json(&batch).send();
        assert!(sent.await.expect("a response").status().is_success());
        // The transaction that inserts the dead letter also publishes the failure callback.
        let mut failed = 0;
        while failed < count {
            failed += usize::from(self.pushed().await.0 == "/failed");
        }
        self.fail(false);
    }
}
