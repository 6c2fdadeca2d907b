//! Deliveries per second from a backlog: messages that are all accepted before the process that delivers them starts.

use anyhow::{Context, Result};

use crate::audit::{self, Expected};
use crate::limits::{Limit, Limits};
use crate::load;
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::progress::{grouped, progress};
use crate::reference::measure::Reference;
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::Delivery;
use crate::testbed::Testbed;
use crate::usage::{Before, Usage};

pub(crate) const MESSAGES: u64 = 20_000;
/// Publishers that fill it.
pub(crate) const CONNECTIONS: usize = 64;

/// All runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backlog {
    /// Deliveries, from the first receipt to the last, by the sink's clock.
    pub(crate) per_s: Series,
    pub(crate) usage: Usage,
}

impl Backlog {
    /// Adds a run.
    pub(crate) async fn measure(&mut self, testbed: &Testbed) -> Result<()> {
        self.run(testbed).await.context("delivering a backlog")
    }

    /// Its lines of the report.
    pub(crate) fn rows(&self, limits: &Limits, reference: &Reference) -> Vec<Row> {
        let title = format!("backlog of {} messages", grouped(MESSAGES as f64));
        let row = Row::new(Part::Backlog, "backlog", &title, Unit::PerSecond, &self.per_s)
            .beside("the reference", &reference.backlog)
            .with_peak(&self.usage.peak_mb)
            .with_remark(limits.shares(&self.per_s, &[Limit::Http, Limit::Claims]));
        [vec![row], self.usage.rows(Part::Backlog, "backlog").into()].concat()
    }

    async fn run(&mut self, testbed: &Testbed) -> Result<()> {
        let Testbed { postgres, sink, .. } = testbed;
        let url = postgres.fresh_database().await?;
        let mut before = Before::read(postgres, &url).await?;
        let filling = testbed.serve(&url, Delivery::Off).await?;
        load::closed(&filling.publish_to(&sink.url()), CONNECTIONS, Extent::Steps(MESSAGES)).await?;
        filling.stop().await?;
        audit::check(&url, MESSAGES, Expected::Accepted).await?;
        postgres.checkpoint().await?;
        sink.reset().await?;

        before.restart_cpu(postgres)?;
        let serve = testbed.serve(&url, Delivery::On).await?;
        sink.received(MESSAGES).await?;
        audit::recorded(&url).await?;
        let used = before.used(postgres, &serve).await?;
        audit::check(&url, MESSAGES, Expected::Delivered).await?;
        serve.stop().await?;

        let per_second = sink.stats_of(MESSAGES).await?.receipts_per_second();
        progress("backlog", "deliveries of a backlog of 20,000 messages", &format!("{}/s", grouped(per_second)));
        self.per_s.push(per_second);
        self.usage.push(&used, MESSAGES);
        Ok(())
    }
}
