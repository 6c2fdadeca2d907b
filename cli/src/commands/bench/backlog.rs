//! (b) Signed deliveries per second of a backlog: jobs that were all accepted before the process
//! that delivers them is started.

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

/// How long the backlog is.
const JOBS: u64 = 20_000;
/// How many publishers fill it. That is not measured.
const CONNECTIONS: usize = 64;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Backlog {
    /// Jobs in the backlog.
    pub(super) jobs: u64,
    /// Deliveries, from the first receipt to the last, by the sink's clock.
    pub(super) per_s: Series,
    /// What they cost, up to the moment that all of them were recorded.
    pub(super) usage: Usage,
}

impl Backlog {
    /// Adds a run.
    pub(super) async fn measure(&mut self, postgres: &Postgres, sink: &SinkProcess) -> Result<()> {
        self.run(postgres, sink).await.context("(b) delivering a backlog")
    }

    async fn run(&mut self, postgres: &Postgres, sink: &SinkProcess) -> Result<()> {
        self.jobs = JOBS;
        let url = postgres.fresh_database().await?;
        let filling = ServeProcess::start(&url, Delivery::Off).await?;
        load::closed(&filling.publish_to(&sink.url()), CONNECTIONS, Extent::Steps(JOBS)).await?;
        filling.stop().await?;
        audit::check(&url, JOBS, Expected::Accepted).await?;
        postgres.checkpoint().await?;
        sink.reset().await?;

        let before = Before::read(postgres)?;
        let serve = ServeProcess::start(&url, Delivery::On).await?;
        sink.received(JOBS).await?;
        audit::check(&url, JOBS, Expected::Delivered).await?;
        let used = before.until_now(postgres, &serve)?;
        serve.stop().await?;

        let per_second = sink.stats_of(JOBS).await?.receipts_per_second();
        progress("b", "deliveries of a backlog of 20,000 jobs", &format!("{}/s", grouped(per_second)));
        self.per_s.push(per_second);
        self.usage.push(&used, JOBS);
        Ok(())
    }
}
