//! (b) Accept and deliver at once, in one process: how many jobs per second go all the way.

use anyhow::{Context, Result};
use serde::Serialize;

use super::audit::{self, Expected};
use super::closed_loop::Extent;
use super::load;
use super::postgres::Postgres;
use super::progress::{grouped, progress};
use super::series::Series;
use super::serve_process::{Delivery, ServeProcess};
use super::sink_process::SinkProcess;
use super::usage::{Before, Usage};

const JOBS: u64 = 30_000;
const CONNECTIONS: usize = 32;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Both {
    /// Jobs that were published, over 32 connections.
    pub(super) jobs: u64,
    /// Jobs, from the first publish to the last receipt.
    pub(super) per_s: Series,
    /// Publishes that were answered, from the first request to the last answer.
    pub(super) accepts_per_s: Series,
    /// From publish to receipt, in milliseconds.
    pub(super) lag_p50_ms: Series,
    /// The same.
    pub(super) lag_p99_ms: Series,
    /// What they cost, up to the moment that all of them were recorded.
    pub(super) usage: Usage,
}

impl Both {
    /// Adds a run.
    pub(super) async fn measure(&mut self, postgres: &Postgres, sink: &SinkProcess) -> Result<()> {
        self.run(postgres, sink).await.context("(b) accepting and delivering at once")
    }

    async fn run(&mut self, postgres: &Postgres, sink: &SinkProcess) -> Result<()> {
        self.jobs = JOBS;
        let url = postgres.fresh_database().await?;
        sink.reset().await?;
        let before = Before::read(postgres)?;
        let serve = ServeProcess::start(&url, Delivery::On).await?;
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
