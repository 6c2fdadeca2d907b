//! Durable accepts per second: messages published to a `serve` that does not deliver.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::audit::{self, Expected};
use crate::limits::{Limit, Limits};
use crate::load;
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::process;
use crate::progress::{grouped, progress};
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::Delivery;
use crate::sink::Destination;
use crate::testbed::Testbed;

/// Numbers of concurrent publishers.
const CONNECTIONS: [usize; 3] = [1, 32, 128];
pub(crate) const MOST_CONNECTIONS: usize = CONNECTIONS[2];
/// CPU share above which a thread counts as saturated.
const BUSY: f64 = 0.9;

/// All runs, by number of connections.
#[derive(Clone, Debug)]
pub(crate) struct Accepts {
    connections: usize,
    /// Responses, each after its commit.
    pub(crate) per_s: Series,
    /// The share of one CPU that the load generator used.
    generator_busy: Series,
    peak_mb: Series,
}

impl Accepts {
    /// No run yet.
    pub(crate) fn all() -> Vec<Self> {
        let of = |connections| Self {
            connections,
            per_s: Series::default(),
            generator_busy: Series::default(),
            peak_mb: Series::default(),
        };
        CONNECTIONS.map(of).into()
    }

    /// Returns the row of the report.
    pub(crate) fn row(&self, limits: &Limits, reference: &Series) -> Row {
        let mut remark = limits.shares(&self.per_s, &[Limit::Http, Limit::Inserts, Limit::Commits]);
        if self.generator_busy.median() > BUSY {
            remark.push_str(" (the load generator is the limit)");
        }
        let name = format!("accepts-{}", self.connections);
        let row = Row::new(Part::Accepts, &name, &self.title(), Unit::PerSecond, &self.per_s)
            .with_peak(&self.peak_mb)
            .with_remark(remark);
        if self.connections == MOST_CONNECTIONS { row.beside("the reference", reference) } else { row }
    }

    fn title(&self) -> String {
        let plural = if self.connections == 1 { "" } else { "s" };
        format!("durable accepts, {} connection{plural}", self.connections)
    }
}

/// Adds a run: one process and one database, with an increasing number of publishers.
pub(crate) async fn measure(all: &mut [Accepts], testbed: &Testbed, window: Duration) -> Result<()> {
    let Testbed { postgres, sink, .. } = testbed;
    let url = postgres.fresh_database().await?;
    let serve = testbed.serve(&url, Delivery::Off).await?;
    let target = serve.publish_to(&sink.url(Destination::Plain));
    let mut accepted = 0;
    for accepts in all {
        let connections = accepts.connections;
        let done = load::closed(&target, connections, Extent::Window(window)).await;
        let done = done.with_context(|| format!("publishing over {connections} connections"))?;
        accepted += done.count;
        accepts.per_s.push(done.per_second);
        if let Some(busy) = done.busy {
            accepts.generator_busy.push(busy);
        }
        accepts.peak_mb.push(process::memory(serve.pid())?.peak());
        progress("accepts", &accepts.title(), &format!("{}/s", grouped(done.per_second)));
        postgres.checkpoint().await?;
    }
    serve.stop().await?;
    audit::check(&url, accepted, Expected::Accepted).await.context("accepts")
}
