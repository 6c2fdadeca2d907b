//! (g) Deliveries per second of a queue with parallelism 1: each job starts when the one before is
//! delivered and recorded, so this is how long one round takes.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::audit::{self, Expected};
use crate::closed_loop::Extent;
use crate::load;
use crate::progress::{grouped, progress};
use crate::series::Series;
use crate::serve_process::Delivery;
use crate::testbed::Testbed;

/// How many jobs are in the queue when it begins.
const JOBS: u64 = 2_000;
/// How many publishers fill it. That is not measured.
const CONNECTIONS: usize = 16;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Queue {
    /// Deliveries, from the first receipt to the last, by the sink's clock.
    pub(crate) per_s: Series,
}

impl Queue {
    /// Adds a run.
    pub(crate) async fn measure(&mut self, testbed: &Testbed) -> Result<()> {
        self.run(testbed).await.context("(g) delivering a queue one by one")
    }

    async fn run(&mut self, testbed: &Testbed) -> Result<()> {
        let Testbed { postgres, sink, .. } = testbed;
        let url = postgres.fresh_database().await?;
        let filling = testbed.serve(&url, Delivery::Off).await?;
        // A new queue has parallelism 1.
        let in_queue = format!("{}?upstash-queue-name=bench", sink.url());
        load::closed(&filling.publish_to(&in_queue), CONNECTIONS, Extent::Steps(JOBS)).await?;
        filling.stop().await?;
        audit::check(&url, JOBS, Expected::Accepted).await?;
        sink.reset().await?;

        let serve = testbed.serve(&url, Delivery::On).await?;
        sink.received(JOBS).await?;
        audit::check(&url, JOBS, Expected::Delivered).await?;
        serve.stop().await?;

        let per_second = sink.stats_of(JOBS).await?.receipts_per_second();
        progress("g", "deliveries of a queue with parallelism 1", &format!("{}/s", grouped(per_second)));
        self.per_s.push(per_second);
        Ok(())
    }
}
