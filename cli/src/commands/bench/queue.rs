//! (g) Deliveries per second of a queue with parallelism 1: each job starts when the one before is
//! delivered and recorded, so this is how long one round takes.

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

/// How many jobs are in the queue when it begins.
const JOBS: u64 = 2_000;
/// How many publishers fill it. That is not measured.
const CONNECTIONS: usize = 16;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Queue {
    /// Deliveries, from the first receipt to the last, by the sink's clock.
    pub(super) per_s: Series,
}

impl Queue {
    /// Adds a run.
    pub(super) async fn measure(&mut self, postgres: &Postgres, sink: &SinkProcess) -> Result<()> {
        self.run(postgres, sink).await.context("(g) delivering a queue one by one")
    }

    async fn run(&mut self, postgres: &Postgres, sink: &SinkProcess) -> Result<()> {
        let url = postgres.fresh_database().await?;
        let filling = ServeProcess::start(&url, Delivery::Off).await?;
        // A new queue has parallelism 1.
        let in_queue = format!("{}?upstash-queue-name=bench", sink.url());
        load::closed(&filling.publish_to(&in_queue), CONNECTIONS, Extent::Steps(JOBS)).await?;
        filling.stop().await?;
        audit::check(&url, JOBS, Expected::Accepted).await?;
        sink.reset().await?;

        let serve = ServeProcess::start(&url, Delivery::On).await?;
        sink.received(JOBS).await?;
        audit::check(&url, JOBS, Expected::Delivered).await?;
        serve.stop().await?;

        let per_second = sink.stats_of(JOBS).await?.receipts_per_second();
        progress("g", "deliveries of a queue with parallelism 1", &format!("{}/s", grouped(per_second)));
        self.per_s.push(per_second);
        Ok(())
    }
}
