//! Overhead of the wrapper around a handler: a signed delivery to an empty handler, compared with the same request to an
//! empty route.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use jiff::Timestamp;
use reqwest::{Client, Request};
use serde::{Deserialize, Serialize};
use sigpost_jobs::{Handler, Harness, Job, JobContext, JobError, Outcome};
use sigpost_qstash::{MessageId, Signer, SigningKeys};
use sigpost_runtime::{KeyRing, serve};
use sigpost_store::Database;

use crate::part::Part;
use crate::progress::progress;
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::statements::{self, Statement};
use crate::{own_thread, postgres};

const JOBS: usize = 1_000;
/// Warm-up requests, which open connections and prepare statements.
const WARM_UP_JOBS: usize = 50;
const BARE: &str = "/bare";

#[derive(Serialize, Deserialize)]
struct Nothing {
    text: String,
}

impl Job for Nothing {
    const TYPE: &'static str = "nothing";
    const ENDPOINT: &'static str = "/api/jobs/nothing";
}

struct Idler;

impl Handler for Idler {
    type Job = Nothing;

    async fn run(&self, _job: Nothing, _ctx: &JobContext) -> Result<Outcome, JobError> {
        Ok(Outcome::done())
    }
}

/// The figures. Times are medians in milliseconds, from the request to the end of its response.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HandlerCost {
    pub(crate) jobs: usize,
    /// A run: verification, start, handler, finish.
    pub(crate) run_p50_ms: f64,
    /// The same request to a route that only reads the body.
    pub(crate) bare_p50_ms: f64,
    /// The difference.
    pub(crate) overhead_p50_ms: f64,
    /// A durable commit of one row: a run has one, for its finish.
    pub(crate) commit_p50_ms: f64,
    /// Statements of a run; missing where Postgres has no `pg_stat_statements`.
    pub(crate) statements_per_run: Option<f64>,
    pub(crate) statements: Vec<Statement>,
}

impl HandlerCost {
    /// Returns the rows of the report.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let row = |name, title, unit, value| Row::new(Part::Handler, name, title, unit, &Series::of(&[value]));
        let remark = format!(
            "a run {:.2} ms, a bare route {:.2} ms, a durable commit {:.2} ms",
            self.run_p50_ms, self.bare_p50_ms, self.commit_p50_ms
        );
        let overhead = row("handler", "overhead of a run, p50", Unit::Milliseconds, self.overhead_p50_ms);
        let statements = self.statements_per_run;
        let statements =
            statements.map(|figure| row("handler-statements", "  statements of a run", Unit::Count, figure));
        std::iter::once(overhead.with_remark(remark)).chain(statements).collect()
    }
}

/// Measures the overhead, with a separate Postgres that counts statements.
pub(crate) async fn measure() -> Result<HandlerCost> {
    let (server, with_statements) = statements::counting_postgres().await?;
    let database_url = server.fresh_database().await?;
    let url = start(&database_url).await?;
    let client = Client::builder().no_proxy().build()?;

    let measured = async {
        for path in [Nothing::ENDPOINT, BARE] {
            time(&client, &url, path, WARM_UP_JOBS).await?;
        }
        if with_statements {
            statements::forget(&server).await?;
        }
        let run_p50_ms = time(&client, &url, Nothing::ENDPOINT, JOBS).await?;
        let statements = if with_statements { statements::counted(&server, &database_url).await? } else { Vec::new() };
        let bare_p50_ms = time(&client, &url, BARE, JOBS).await?;
        let calls: u64 = statements.iter().map(|statement| statement.calls).sum();
        anyhow::Ok(HandlerCost {
            jobs: JOBS,
            run_p50_ms,
            bare_p50_ms,
            overhead_p50_ms: run_p50_ms - bare_p50_ms,
            commit_p50_ms: time_commits(&database_url).await?,
            statements_per_run: with_statements.then_some(calls as f64 / JOBS as f64),
            statements,
        })
    };
    let cost = measured.await.context("delivering to an empty handler")?;
    server.stop().await?;
    let figure = format!("{:.2} ms; a durable commit takes {:.2} ms", cost.overhead_p50_ms, cost.commit_p50_ms);
    progress("handler", "overhead of a run", &figure);
    Ok(cost)
}

/// Serves the handler and the bare route on a separate thread until the process ends. The log is formatted as in
/// Lambda and discarded.
async fn start(database_url: &str) -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let harness = Harness::new(Database::new(database_url, 2)?, KeyRing::new(SigningKeys::dev()), url.clone());
    let router = Router::new()
        .route(BARE, post(|body: Bytes| async move { format!("{{\"bytes\":{}}}", body.len()) }))
        .merge(sigpost_jobs::router(Idler, harness));
    drop(tokio::spawn(own_thread::run("handler", move || async move {
        let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(std::io::sink).finish();
        let _on_this_thread = tracing::subscriber::set_default(log);
        let listener = tokio::net::TcpListener::from_std(listener)?;
        serve::serve_on(listener, router, std::future::pending()).await
    })));
    Ok(url)
}

/// Returns the median duration of consecutive requests.
async fn time(client: &Client, url: &str, path: &str, requests: usize) -> Result<f64> {
    let signer = Signer::new(&SigningKeys::dev().current);
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        let request = delivery(client, &signer, &format!("{url}{path}"))?;
        let sent = Instant::now();
        let response = client.execute(request).await?;
        let (status, _body) = (response.status(), response.bytes().await?);
        times.push(sent.elapsed());
        ensure!(status.is_success(), "POST {path} got {status}");
    }
    Ok(median_ms(times))
}

async fn time_commits(database_url: &str) -> Result<f64> {
    let client = postgres::connect(database_url).await?;
    client.batch_execute("create table commits (number bigint primary key)").await?;
    let insert = client.prepare("insert into commits values ($1)").await?;
    let mut times = Vec::with_capacity(JOBS);
    for number in 0..i64::try_from(JOBS)? {
        let sent = Instant::now();
        client.execute(&insert, &[&number]).await?;
        times.push(sent.elapsed());
    }
    Ok(median_ms(times))
}

/// Builds a delivery as the dispatcher sends it, with a body of 200 bytes.
fn delivery(client: &Client, signer: &Signer, url: &str) -> Result<Request> {
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(189));
    let token = signer.sign(url, body.as_bytes(), Timestamp::now());
    let request = client.post(url).header("Content-Type", "application/json").header("Upstash-Signature", token);
    let request = request.header("Upstash-Message-Id", MessageId::new().to_string()).header("Upstash-Retried", "0");
    Ok(request.body(body).build()?)
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
