//! Accept and deliver at once, in one process: messages per second from the publish to the destination.

use anyhow::{Context, Result};

use crate::audit::{self, Expected};
use crate::limits::{Limit, Limits};
use crate::load;
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::progress::{grouped, progress};
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::Delivery;
use crate::sink::Destination;
use crate::testbed::Testbed;
use crate::usage::{Before, Usage};

pub(crate) const MESSAGES: u64 = 30_000;
pub(crate) const CONNECTIONS: usize = 32;

/// All runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Both {
    /// Messages, from the first publish to the last receipt.
    pub(crate) per_s: Series,
    /// Responses to publishes, from the first request to the last response.
    accepts_per_s: Series,
    /// From publish to receipt, in milliseconds.
    lag_p50_ms: Series,
    lag_p99_ms: Series,
    pub(crate) usage: Usage,
}

impl Both {
    /// Adds a run.
    pub(crate) async fn measure(&mut self, testbed: &Testbed) -> Result<()> {
        self.run(testbed).await.context("accepting and delivering at once")
    }

    /// Returns the rows of the report.
    pub(crate) fn rows(&self, limits: &Limits, reference: &Series) -> Vec<Row> {
        let row = |name, title, unit, value| Row::new(Part::Both, name, title, unit, value);
        let mut rows = vec![
            row("both", "accept and deliver at once, 32 connections", Unit::PerSecond, &self.per_s)
                .beside("the reference", reference)
                .with_peak(&self.usage.peak_mb)
                .with_remark(limits.shares(&self.per_s, &[Limit::Http, Limit::Claims, Limit::Commits])),
            row("both-accepts", "  accepts meanwhile", Unit::PerSecond, &self.accepts_per_s),
            row("both-p50", "  publish to handler meanwhile, p50", Unit::Milliseconds, &self.lag_p50_ms),
            row("both-p99", "  publish to handler meanwhile, p99", Unit::Milliseconds, &self.lag_p99_ms),
        ];
        rows.extend(self.usage.rows(Part::Both, "both"));
        rows
    }

    async fn run(&mut self, testbed: &Testbed) -> Result<()> {
        let Testbed { postgres, sink, .. } = testbed;
        let url = postgres.fresh_database().await?;
        sink.reset().await?;
        let before = Before::read(postgres, &url).await?;
        let serve = testbed.serve(&url, Delivery::On).await?;
        let published =
            load::closed(&serve.publish_to(&sink.url(Destination::Plain)), CONNECTIONS, Extent::Steps(MESSAGES))
                .await?;
        sink.received(MESSAGES).await?;
        audit::recorded(&url).await?;
        let used = before.used(postgres, &serve).await?;
        audit::check(&url, MESSAGES, Expected::Delivered).await?;
        serve.stop().await?;

        let stats = sink.stats_of(MESSAGES).await?;
        let per_second = stats.jobs_per_second();
        progress("both", "accept and deliver at once, 32 connections", &format!("{}/s", grouped(per_second)));
        self.per_s.push(per_second);
        self.accepts_per_s.push(published.per_second);
        self.lag_p50_ms.push(stats.delay_p50_ms);
        self.lag_p99_ms.push(stats.delay_p99_ms);
        self.usage.push(&used, MESSAGES);
        Ok(())
    }
}
