//! Handle of the destination process.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;
use tokio::time::sleep;

use crate::child::OwnChild;
use crate::load::connection::Target;
use crate::sink::tally::Stats;
use crate::sink::{Destination, Listening};

/// Interval between two queries of the count.
const PAUSE: Duration = Duration::from_millis(10);
/// Time without a receipt after which a measurement fails.
const PATIENCE: Duration = Duration::from_secs(15);

/// Running sink.
pub(crate) struct SinkProcess {
    listening: Listening,
    authority: NamedTempFile,
    client: reqwest::Client,
    child: OwnChild,
}

impl SinkProcess {
    /// Starts the sink.
    pub(crate) async fn start() -> Result<Self> {
        let (child, line) = OwnChild::start(&["sink"]).await?;
        let listening: Listening = serde_json::from_str(&line).with_context(|| format!("the sink printed {line:?}"))?;
        let authority = NamedTempFile::new().context("a file for the sink's authority")?;
        fs::write(authority.path(), &listening.authority).context("a file for the sink's authority")?;
        Ok(Self { listening, authority, client: reqwest::Client::new(), child })
    }

    /// Returns the target for the load generator.
    pub(crate) fn target(&self) -> Target {
        Target::new(self.listening.plain, "/job".into(), None)
    }

    /// Returns the URL of a destination.
    pub(crate) fn url(&self, destination: Destination) -> String {
        let Listening { plain, http1, http2, .. } = &self.listening;
        match destination {
            Destination::Plain => format!("http://{plain}/job"),
            Destination::Http1 => format!("https://{http1}/job"),
            Destination::Http2 => format!("https://{http2}/job"),
            Destination::Slow => format!("http://{plain}/slow"),
            // Another host: messages in flight are shared by host.
            Destination::Hanging => format!("http://localhost:{}/hang", plain.port()),
        }
    }

    /// Returns the path of the authority's certificate, for `SSL_CERT_FILE`.
    pub(crate) fn authority_file(&self) -> &str {
        self.authority.path().to_str().unwrap_or_default()
    }

    /// Resets the count.
    pub(crate) async fn reset(&self) -> Result<()> {
        let request = self.client.post(format!("http://{}/reset", self.listening.plain));
        request.send().await.and_then(reqwest::Response::error_for_status).context("the sink cannot be reset")?;
        Ok(())
    }

    /// Returns the count.
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

    /// Returns the counts of the sink. Fails if it received one of the `jobs` messages twice, or any other request.
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

    /// Kills the sink.
    pub(crate) async fn stop(self) -> Result<()> {
        self.child.stop().await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let sent = async {
            let response = self.client.get(format!("http://{}/{path}", self.listening.plain)).send().await?;
            response.error_for_status()?.json().await
        };
        sent.await.with_context(|| format!("GET /{path} of the sink"))
    }
}
