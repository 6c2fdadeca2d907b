//! (b) Signed deliveries per second of a backlog: jobs that were all accepted before the process
//! that delivers them is started.

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

/// How long the backlog is.
const JOBS: u64 = 20_000;
/// How many publishers fill it. That is not measured.
const CONNECTIONS: usize = 64;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Backlog {
    /// Jobs in the backlog.
    pub(crate) jobs: u64,
    /// Deliveries, from the first receipt to the last, by the sink's clock.
    pub(crate) per_s: Series,
    /// What they cost, up to the moment that all of them were recorded.
    pub(crate) usage: Usage,
}

impl Backlog {
    /// Adds a run.
    pub(crate) async fn measure(&mut self, testbed: &Testbed) -> Result<()> {
        self.run(testbed).await.context("(b) delivering a backlog")
    }

    async fn run(&mut self, testbed: &Testbed) -> Result<()> {
        self.jobs = JOBS;
        let Testbed { postgres, sink, .. } = testbed;
        let url = postgres.fresh_database().await?;
        let filling = testbed.serve(&url, Delivery::Off).await?;
        load::closed(&filling.publish_to(&sink.url()), CONNECTIONS, Extent::Steps(JOBS)).await?;
        filling.stop().await?;
        audit::check(&url, JOBS, Expected::Accepted).await?;
        postgres.checkpoint().await?;
        sink.reset().await?;

        let before = Before::read(postgres)?;
        let serve = testbed.serve(&url, Delivery::On).await?;
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
