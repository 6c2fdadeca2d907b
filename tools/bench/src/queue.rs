//! Deliveries per second from a queue with parallelism 1: each message starts when the one before is delivered and
//! recorded, so this is the time of one round.

use anyhow::{Context, Result};

use crate::audit::{self, Expected};
use crate::load;
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::process;
use crate::progress::{grouped, progress};
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::Delivery;
use crate::testbed::Testbed;

/// Messages in the queue when the process starts.
const MESSAGES: u64 = 2_000;
/// Publishers that fill it.
const CONNECTIONS: usize = 16;

/// All runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    /// Deliveries, from the first receipt to the last, by the sink's clock.
    per_s: Series,
    peak_mb: Series,
}

impl Queue {
    /// Adds a run.
    pub(crate) async fn measure(&mut self, testbed: &Testbed) -> Result<()> {
        self.run(testbed).await.context("delivering a queue one by one")
    }

    /// Its line of the report.
    pub(crate) fn row(&self) -> Row {
        let title = "queue with parallelism 1";
        Row::new(Part::Queue, "queue", title, Unit::PerSecond, &self.per_s).with_peak(&self.peak_mb)
    }

    async fn run(&mut self, testbed: &Testbed) -> Result<()> {
        let Testbed { postgres, sink, .. } = testbed;
        let url = postgres.fresh_database().await?;
        let filling = testbed.serve(&url, Delivery::Off).await?;
        let mut target = filling.publish_to(&sink.url());
        // A new queue has parallelism 1.
        target.headers.push(("upstash-queue-name", "bench".to_owned()));
        load::closed(&target, CONNECTIONS, Extent::Steps(MESSAGES)).await?;
        filling.stop().await?;
        audit::check(&url, MESSAGES, Expected::Accepted).await?;
        sink.reset().await?;

        let serve = testbed.serve(&url, Delivery::On).await?;
        sink.received(MESSAGES).await?;
        audit::check(&url, MESSAGES, Expected::Delivered).await?;
        self.peak_mb.push(process::memory(serve.pid())?.peak());
        serve.stop().await?;

        let per_second = sink.stats_of(MESSAGES).await?.receipts_per_second();
        progress("queue", "deliveries of a queue with parallelism 1", &format!("{}/s", grouped(per_second)));
        self.per_s.push(per_second);
        Ok(())
    }
}
