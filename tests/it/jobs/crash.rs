//! The handler's process is killed at every step of a run, and the message is delivered again: the e-mail is sent
//! once, and rows and follow-up jobs exist once.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sigpost_qstash::{MessageId, Signer, SigningKeys};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::deployment::{answer, answer_later};
use crate::support::{TestDatabase, serve};

/// A Resend stand-in that sends once per idempotency key.
#[derive(Clone, Default)]
struct Resend(Arc<Mutex<Sent>>);

#[derive(Default)]
struct Sent {
    /// IDs of e-mails by key.
    emails: HashMap<String, String>,
    requests: usize,
}

impl Resend {
    async fn start(&self) -> String {
        let send = async |State(Self(sent)): State<Self>, headers: HeaderMap| {
            let mut sent = sent.lock().expect("lock");
            sent.requests += 1;
            let next = format!("email-{}", sent.emails.len());
            let key = headers["idempotency-key"].to_str().expect("text").to_owned();
            Json(json!({ "id": sent.emails.entry(key).or_insert(next) }))
        };
        serve(Router::new().route("/emails", post(send)).with_state(self.clone())).await
    }
}

/// A handler's process.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    async fn start(database: &TestDatabase, resend_url: &str, crash_at: Option<&str>) -> Self {
        let keys = SigningKeys::dev();
        let mut child = Command::new(env!("CARGO_BIN_EXE_killable-handler"))
            .env_clear()
            .env("DATABASE_URL", &database.url)
            .env("QSTASH_CURRENT_SIGNING_KEY", &keys.current)
            .env("QSTASH_NEXT_SIGNING_KEY", &keys.next)
            .env("BASE_URL", "https://replaced.example")
            .env("RESEND_BASE_URL", resend_url)
            .env("LOG_FORMAT", "json")
            .env("CRASH_AT", crash_at.unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut url).await.expect("a line");
        Self { child, url: url.trim().to_owned() }
    }

    fn delivery(&self, id: MessageId, attempt: u32) -> RequestBuilder {
        let url = format!("{}/api/jobs/notify", self.url);
        let body = r#"{"to":"ada@example.com"}"#;
        let token = Signer::new(&SigningKeys::dev().current).sign(&url, body.as_bytes(), Timestamp::now());
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.post(url).body(body).header("Upstash-Signature", token);
        request.header("Upstash-Message-Id", id.to_string()).header("Upstash-Retried", (attempt - 1).to_string())
    }

    /// Kills the process and returns its log.
    async fn log(mut self) -> Vec<Value> {
        self.child.start_kill().expect("killed");
        let mut text = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut text).await.expect("text");
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }
}

#[tokio::test]
async fn run_killed_at_any_step_repeats_no_side_effect() {
    let database = TestDatabase::new().await;
    database.execute("create table receipts (message_id text, email_id text)").await;
    let resend = Resend::default();
    let resend_url = resend.start().await;
    let successor = Process::start(&database, &resend_url, None).await;
    let mut emails = 0;
    // Number of requests to Resend, and the response to the next delivery.
    for (step, requests, again) in [
        ("before begin", 1, None),
        ("after begin", 1, None),
        ("after the effect", 2, None),
        ("before finish", 1, None),
        ("in the finishing transaction", 1, None),
        ("after finish", 1, Some(true)),
        ("before the answer", 1, Some(true)),
    ] {
        let id = MessageId::new();
        let asked_before = resend.0.lock().expect("lock").requests;
        let mut killed = Process::start(&database, &resend_url, Some(step)).await;
        killed.delivery(id, 1).send().await.expect_err("no response");
        let status = killed.child.wait().await.expect("a status");
        assert_eq!(status.code(), None, "{step}: killed by a signal");

        // The lease of a killed run expires after 30 s.
        database.execute("update job_executions set lease_until = now() where lease_until is not null").await;
        let answered = answer(successor.delivery(id, 2)).await;
        let duplicate = answered.body.get("duplicate").and_then(Value::as_bool);
        assert_eq!((answered.status.as_u16(), duplicate), (200, again), "{step}: {answered:?}");
        let third = answer(successor.delivery(id, 3)).await;
        assert_eq!((&third.body["success"], &third.body["duplicate"]), (&json!(true), &json!(true)), "{step}");
        if again == Some(true) {
            assert_eq!(answered.body, third.body, "{step}: the same recorded result");
        }

        emails += 1;
        {
            let sent = resend.0.lock().expect("lock");
            assert_eq!((sent.emails.len(), sent.requests - asked_before), (emails, requests), "{step}");
            assert!(sent.emails.contains_key(&format!("email/{id}")));
        }
        let count = async |sql: &str| database.query(sql, &[&id.to_string()]).await[0].get::<_, i64>(0);
        assert_eq!(count("select count(*) from receipts where message_id = $1").await, 1, "{step}");
        let completed = "select count(*) from job_executions where message_id = $1 and status = 'completed'";
        assert_eq!(count(completed).await, 1, "{step}");
        let follow_up = MessageId::of_follow_up(id, 0).0;
        assert_eq!(
            database.count(&format!("select count(*) from messages where id = '{follow_up}'")).await,
            1,
            "{step}"
        );
    }
    assert_eq!(database.count("select count(*) from messages").await as usize, emails);
}

#[tokio::test]
async fn log_lines_of_a_run_identify_it_without_the_payload() {
    let database = TestDatabase::new().await;
    database.execute("create table receipts (message_id text, email_id text)").await;
    let handler = Process::start(&database, &Resend::default().start().await, None).await;
    let (id, trace) = (MessageId::new(), "4bf92f3577b34da6a3ce929d0e0e4736");
    let delivery = handler.delivery(id, 1).header("X-Correlation-Id", "order-7");
    let answered = answer(delivery.header("Traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))).await;
    assert_eq!(answered.status, 200);

    let log = handler.log().await;
    let said: Vec<&str> = log.iter().filter_map(|line| line["message"].as_str()).collect();
    assert_eq!(said, ["[jobs] Processing job", "the handler speaks", "[jobs] Job processed successfully"]);
    for line in &log {
        let run = &line["spans"][0];
        assert_eq!(
            (&run["correlation_id"], &run["trace_id"], &run["message_id"]),
            (&json!("order-7"), &json!(trace), &json!(id))
        );
        assert!(!line.to_string().contains("ada@example.com"), "{line}");
    }
}

#[tokio::test]
async fn graceful_shutdown_stops_runs_and_requests_retries() {
    let database = TestDatabase::new().await;
    // A Resend stand-in that never responds.
    let resend = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let resend_url = format!("http://{}", resend.local_addr().expect("an address"));
    let mut handler = Process::start(&database, &resend_url, None).await;
    let delivery = answer_later(handler.delivery(MessageId::new(), 1));
    let _asked = resend.accept().await.expect("a connection");

    let pid = handler.child.id().expect("alive").to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill").success());
    let answered = delivery.await.expect("joined");
    assert_eq!((answered.rejection(), answered.retry_after()), ((503, "the process was stopped"), 1));
    assert!(handler.child.wait().await.expect("a status").success());
    assert_eq!(database.count("select count(*) from job_executions where status = 'failed'").await, 1);
}
