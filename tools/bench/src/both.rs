//! (b) Accept and deliver at once, in one process: how many jobs per second go all the way.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::audit::{self, Expected};
use crate::closed_loop::Extent;
use crate::load;
use crate::progress::{grouped, progress};
use crate::series::Series;
use crate::serve_process::Delivery;
use crate::testbed::Testbed;
use crate::usage::{Before, Usage};

const JOBS: u64 = 30_000;
const CONNECTIONS: usize = 32;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Both {
    /// Jobs that were published, over 32 connections.
    pub(crate) jobs: u64,
    /// Jobs, from the first publish to the last receipt.
    pub(crate) per_s: Series,
    /// Publishes that were answered, from the first request to the last answer.
    pub(crate) accepts_per_s: Series,
    /// From publish to receipt, in milliseconds.
    pub(crate) lag_p50_ms: Series,
    /// The same.
    pub(crate) lag_p99_ms: Series,
    /// What they cost, up to the moment that all of them were recorded.
    pub(crate) usage: Usage,
}

impl Both {
    /// Adds a run.
    pub(crate) async fn measure(&mut self, testbed: &Testbed) -> Result<()> {
        self.run(testbed).await.context("(b) accepting and delivering at once")
    }

    async fn run(&mut self, testbed: &Testbed) -> Result<()> {
        self.jobs = JOBS;
        let Testbed { postgres, sink, .. } = testbed;
        let url = postgres.fresh_database().await?;
        sink.reset().await?;
        let before = Before::read(postgres)?;
        let serve = testbed.serve(&url, Delivery::On).await?;
        let published = load::closed(&serve.publish_to(&sink.url()), CONNECTIONS, Extent::Steps(JOBS)).await?;
        sink.received(JOBS).await?;
        audit::check(&url, JOBS, Expected::Delivered).await?;
        let used = before.until_now(postgres, &serve)?;
        serve.stop().await?;

        let stats = sink.stats_of(JOBS).await?;
        let per_second = stats.jobs_per_second();
        progress("b", "accept and deliver at once, 32 connections", &format!("{}/s", grouped(per_second)));
        self.per_s.push(per_second);
        self.accepts_per_s.push(published.per_second);
        self.lag_p50_ms.push(stats.delay_p50_ms);
        self.lag_p99_ms.push(stats.delay_p99_ms);
        self.usage.push(&used, JOBS);
        Ok(())
    }
}
