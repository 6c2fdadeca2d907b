//! The bench's handle of the destination.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::child::OwnChild;
use crate::load::connection::Target;
use crate::sink::tally::Stats;

/// Between two queries of the count.
const PAUSE: Duration = Duration::from_millis(10);
/// Without a receipt for this long, a measurement fails.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running sink.
pub(crate) struct SinkProcess {
    address: SocketAddr,
    client: reqwest::Client,
    child: OwnChild,
}

impl SinkProcess {
    /// Starts it.
    pub(crate) async fn start() -> Result<Self> {
        let (child, line) = OwnChild::start(&["sink"]).await?;
        let address = line.parse().with_context(|| format!("the sink's address: {line:?}"))?;
        Ok(Self { address, client: reqwest::Client::new(), child })
    }

    /// Its address for the load generator.
    pub(crate) fn target(&self) -> Target {
        Target::new(self.address, "/job".into(), None)
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/job", self.address)
    }

    /// Clears its count.
    pub(crate) async fn reset(&self) -> Result<()> {
        let request = self.client.post(format!("http://{}/reset", self.address));
        request.send().await.and_then(reqwest::Response::error_for_status).context("the sink cannot be reset")?;
        Ok(())
    }

    /// Its count.
    pub(crate) async fn stats(&self) -> Result<Stats> {
        self.get("stats").await
    }

    /// Waits until it has received `jobs` different jobs.
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

    /// Its count of `jobs` jobs. Fails if it received one twice, or a request that is none of them.
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
    pub(crate) async fn stop(self) -> Result<()> {
        self.child.stop().await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let sent = async {
            let response = self.client.get(format!("http://{}/{path}", self.address)).send().await?;
            response.error_for_status()?.json().await
        };
        sent.await.with_context(|| format!("GET /{path} of the sink"))
    }
}
