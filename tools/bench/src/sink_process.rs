//! The sink as the bench sees it: a child process that counts.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::connection::Target;
use crate::tally::Stats;

/// Between two questions whether everything has arrived.
const PAUSE: Duration = Duration::from_millis(10);
/// When nothing has arrived for so long, nothing will.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running sink, which is killed when this is dropped.
pub(crate) struct SinkProcess {
    address: SocketAddr,
    client: reqwest::Client,
    child: Child,
}

impl SinkProcess {
    /// Starts it.
    pub(crate) async fn start() -> Result<Self> {
        let program = std::env::current_exe().context("this program's own path")?;
        let mut child = Command::new(program)
            .arg("sink")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the sink cannot start")?;
        let stdout = child.stdout.take().context("the sink's output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await.context("the sink's address")?;
        let address = line.trim().parse().with_context(|| format!("the sink did not start, it said {line:?}"))?;
        Ok(Self { address, client: reqwest::Client::new(), child })
    }

    /// Where it takes jobs.
    pub(crate) fn target(&self) -> Target {
        Target { address: self.address, path: "/job".into(), token: None }
    }

    /// The same as a URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/job", self.address)
    }

    /// Forgets what it has received.
    pub(crate) async fn reset(&self) -> Result<()> {
        let request = self.client.post(format!("http://{}/reset", self.address));
        request.send().await.and_then(reqwest::Response::error_for_status).context("the sink cannot be reset")?;
        Ok(())
    }

    /// What it has received.
    pub(crate) async fn stats(&self) -> Result<Stats> {
        self.get("stats").await
    }

    /// Waits until it has received `jobs` different jobs, and nothing else, each once.
    pub(crate) async fn received(&self, jobs: u64) -> Result<()> {
        let (mut last, mut since) = (0, Instant::now());
        while last < jobs {
            let count = self.get("count").await?;
            if count > last {
                (last, since) = (count, Instant::now());
            }
            let patience = PATIENCE.as_secs();
            ensure!(since.elapsed() < PATIENCE, "the sink received {last} of {jobs} jobs, and none in {patience} s");
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// What it has received of `jobs` jobs; an error when one came twice, or something else came.
    pub(crate) async fn stats_of(&self, jobs: u64) -> Result<Stats> {
        let stats = self.stats().await?;
        ensure!(
            (stats.received, stats.distinct, stats.duplicates) == (jobs, jobs, 0),
            "of {jobs} jobs the sink received {} different ones in {} requests, {} of them again",
            stats.distinct,
            stats.received,
            stats.duplicates,
        );
        Ok(stats)
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("the sink cannot be stopped")
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let asked = async {
            let response = self.client.get(format!("http://{}/{path}", self.address)).send().await?;
            response.error_for_status()?.json().await
        };
        asked.await.with_context(|| format!("the sink does not answer /{path}"))
    }
}
