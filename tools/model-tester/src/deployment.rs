//! One deployment: a database, a destination and some processes of `sigpost serve`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::Value;
use sigpost_store::{Database, database, migrate};
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls};

use crate::audit;
use crate::canary::Canary;
use crate::sink::Sink;

pub(crate) const TOKEN: &str = "model-tester-model-tester-model-tester-model-tester";

pub(crate) struct Deployment {
    pub(crate) sink: Sink,
    pub(crate) database: Client,
    /// Seconds.
    pub(crate) lease: u32,
    pub(crate) canary: Canary,
    processes: Vec<Process>,
    client: reqwest::Client,
}

struct Process {
    port: u16,
    child: Option<Child>,
    settings: Settings,
}

#[derive(Clone)]
struct Settings {
    program: PathBuf,
    database_url: String,
    lease: u32,
    log: PathBuf,
}

/// Response of the API: status and JSON body.
pub(crate) type Answer = Option<(u16, Value)>;

impl Deployment {
    /// Creates a database on this server and starts processes on it.
    pub(crate) async fn start(
        server: &sigpost_dev_postgres::Server,
        name: &str,
        program: &Path,
        processes: usize,
        lease: u32,
        folder: &Path,
    ) -> Result<Self> {
        database::create(&server.url("postgres"), name, None).await?;
        let database_url = server.url(name);
        migrate::up(&Database::new(&database_url, 1)?).await?;
        let (database, connection) = tokio_postgres::connect(&database_url, NoTls).await?;
        tokio::spawn(connection);
        database.batch_execute(audit::SCHEMA).await?;
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
        let ports = (0..processes).map(|_| free_port()).collect::<Result<Vec<u16>>>()?;
        let canary = Canary::start(&client, &ports, TOKEN);
        let mut deployment =
            Self { sink: Sink::start().await?, database, lease, canary, processes: Vec::new(), client };
        for (number, port) in ports.into_iter().enumerate() {
            let log = folder.join(format!("{name}-{number}.log"));
            let settings = Settings { program: program.to_owned(), database_url: database_url.clone(), lease, log };
            deployment.processes.push(Process { port, child: None, settings });
            deployment.start_process(number).await?;
        }
        Ok(deployment)
    }

    pub(crate) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Starts the process, unless it is running, and waits until it is ready.
    pub(crate) async fn start_process(&mut self, number: usize) -> Result<()> {
        let process = &mut self.processes[number];
        if process.child.is_none() {
            process.child = Some(process.settings.spawn(process.port)?);
        }
        for _ in 0..1200 {
            if self.api(number, Method::GET, "/v2/queues", &[], "").await.is_some_and(|(status, _)| status == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(&self.processes[number].settings.log).unwrap_or_default();
        bail!("the process does not serve within 60 s; its log: {log}")
    }

    /// Ends the process with a signal: `TERM` to shut down, `KILL` to crash.
    pub(crate) async fn end_process(&mut self, number: usize, signal: &str) -> Result<()> {
        let Some(mut child) = self.processes[number].child.take() else { return Ok(()) };
        let pid = child.id().context("the process runs")?.to_string();
        Command::new("kill").args([&format!("-{signal}"), &pid]).status().await?;
        child.wait().await?;
        Ok(())
    }

    /// Cancels pending messages and deletes the data of the scenario.
    pub(crate) async fn clear(&mut self) -> Result<()> {
        let all = "{}";
        let json = [("Content-Type".to_owned(), "application/json".to_owned())];
        self.api(0, Method::DELETE, "/v2/messages", &json, all).await;
        self.canary.clear();
        self.database
            .batch_execute(
                "truncate dead_letters, messages, pending_deliveries, attempts, slots, deduplications, model_counts, model_slots;
                 delete from gates; truncate model_limits",
            )
            .await?;
        Ok(())
    }

    /// Sends a request to one process. Returns `None` without a response.
    pub(crate) async fn api(
        &self,
        process: usize,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> Answer {
        let url = format!("http://127.0.0.1:{}{path}", self.processes[process].port);
        let mut request = self.client.request(method, url).bearer_auth(TOKEN).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.json().await.unwrap_or(Value::Null)))
    }
}

impl Settings {
    fn spawn(&self, port: u16) -> Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let child = Command::new(&self.program)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--allow-targets", "127.0.0.0/8"])
            .env_clear()
            .env("DATABASE_URL", &self.database_url)
            .env("QSTASH_TOKEN", TOKEN)
            .env("DATABASE_CONNECTIONS", "4")
            .env("LEASE_SECONDS", self.lease.to_string())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        child.with_context(|| format!("{} cannot be started: build it first", self.program.display()))
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
