//! Measurements of the reference, with the same load as sigpost.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::process::ReferenceProcess;
use super::tables;
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::progress::{grouped, progress};
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::testbed::Testbed;
use crate::{accepts, backlogs, both, load};

/// Maximum time from the last receipt to the record of the last outcome.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// All runs, each per second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(crate) accepts: Series,
    pub(crate) backlog: Series,
    pub(crate) both: Series,
}

impl Reference {
    /// Adds a run of durable accepts over as many connections as sigpost has at most.
    pub(crate) async fn accepts(&mut self, testbed: &Testbed, window: Duration) -> Result<()> {
        let run = async {
            let url = database(testbed).await?;
            let process = ReferenceProcess::start("accept", &url, &testbed.sink).await?;
            let done = load::closed(&process.target(), accepts::MOST_CONNECTIONS, Extent::Window(window)).await?;
            process.stop().await?;
            tables::check(&url, done.count, 0).await?;
            anyhow::Ok(done.per_second)
        };
        add(&mut self.accepts, "accepts", run.await.context("accepts of the reference")?);
        Ok(())
    }

    /// Adds a run of a backlog.
    pub(crate) async fn backlog(&mut self, testbed: &Testbed) -> Result<()> {
        let run = async {
            let url = database(testbed).await?;
            let filling = ReferenceProcess::start("accept", &url, &testbed.sink).await?;
            load::closed(&filling.target(), backlogs::CONNECTIONS, Extent::Steps(backlogs::MESSAGES)).await?;
            filling.stop().await?;
            testbed.postgres.checkpoint().await?;
            testbed.sink.reset().await?;
            let process = ReferenceProcess::start("deliver", &url, &testbed.sink).await?;
            delivered(testbed, &url, backlogs::MESSAGES).await?;
            process.stop().await?;
            anyhow::Ok(testbed.sink.stats_of(backlogs::MESSAGES).await?.receipts_per_second())
        };
        add(&mut self.backlog, "backlog", run.await.context("a backlog of the reference")?);
        Ok(())
    }

    /// Adds a run of accepting and delivering concurrently.
    pub(crate) async fn both(&mut self, testbed: &Testbed) -> Result<()> {
        let run = async {
            let url = database(testbed).await?;
            testbed.sink.reset().await?;
            let process = ReferenceProcess::start("both", &url, &testbed.sink).await?;
            load::closed(&process.target(), both::CONNECTIONS, Extent::Steps(both::MESSAGES)).await?;
            delivered(testbed, &url, both::MESSAGES).await?;
            process.stop().await?;
            anyhow::Ok(testbed.sink.stats_of(both::MESSAGES).await?.jobs_per_second())
        };
        add(&mut self.both, "both", run.await.context("accepting and delivering by the reference")?);
        Ok(())
    }

    /// Returns the rows of the report.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let figures = [
            (Part::Accepts, "accepts", "durable accepts, 128 connections", &self.accepts),
            (Part::Backlog, "backlog", "backlog of 20,000 messages", &self.backlog),
            (Part::Both, "both", "accept and deliver at once, 32 connections", &self.both),
        ];
        let measured = figures.into_iter().filter(|(.., series)| !series.runs().is_empty());
        let row = |(part, name, title, series): (Part, &str, &str, &Series)| {
            Row::new(part, &format!("reference-{name}"), title, Unit::PerSecond, series)
        };
        measured.map(row).collect()
    }
}

async fn database(testbed: &Testbed) -> Result<String> {
    let url = testbed.postgres.fresh_database().await?;
    tables::create(&url).await?;
    testbed.postgres.checkpoint().await?;
    Ok(url)
}

/// Waits until all jobs are received and recorded, and checks that each was delivered once.
async fn delivered(testbed: &Testbed, url: &str, jobs: u64) -> Result<()> {
    testbed.sink.received(jobs).await?;
    let started = Instant::now();
    while !tables::are_done(url, jobs).await? {
        ensure!(started.elapsed() < PATIENCE, "not every delivery is recorded after {} s", PATIENCE.as_secs());
        sleep(PAUSE).await;
    }
    tables::check(url, jobs, jobs).await
}

fn add(series: &mut Series, part: &str, per_second: f64) {
    progress(part, "  the reference", &format!("{}/s", grouped(per_second)));
    series.push(per_second);
}
