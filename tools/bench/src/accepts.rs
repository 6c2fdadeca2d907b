//! (a) Durable accepts per second: jobs published to a `serve` that does not deliver.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::audit::{self, Expected};
use crate::closed_loop::Extent;
use crate::load;
use crate::progress::{grouped, progress};
use crate::series::Series;
use crate::serve_process::Delivery;
use crate::testbed::Testbed;

/// How many publishers there are at once.
const CONNECTIONS: [usize; 3] = [1, 32, 128];

/// The share of a CPU from which on a thread has no time left.
const BUSY: f64 = 0.9;

/// What was measured at one number of connections.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Accepts {
    /// Publishers at once, each on a keep-alive connection.
    pub(crate) connections: usize,
    /// Publishes that were answered, after their commit.
    pub(crate) per_s: Series,
    /// The share of one CPU that the load generator used. Near 1, it is the limit.
    pub(crate) generator_busy: Series,
}

impl Accepts {
    /// Nothing yet.
    pub(crate) fn all() -> Vec<Self> {
        let of = |connections| Self { connections, per_s: Series::default(), generator_busy: Series::default() };
        CONNECTIONS.map(of).into()
    }

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        let plural = if self.connections == 1 { "" } else { "s" };
        format!("durable accepts, {} connection{plural}", self.connections)
    }

    /// Whether the load generator had no time left: more might have been accepted.
    pub(crate) fn is_limited_by_generator(&self) -> bool {
        self.generator_busy.median() > BUSY
    }
}

/// Adds a run: one process and one database, more and more publishers. Afterwards the database must
/// hold what was answered, and its log too.
pub(crate) async fn measure(all: &mut [Accepts], testbed: &Testbed, window: Duration) -> Result<()> {
    let Testbed { postgres, sink, .. } = testbed;
    let url = postgres.fresh_database().await?;
    let serve = testbed.serve(&url, Delivery::Off).await?;
    let target = serve.publish_to(&sink.url());
    let mut accepted = 0;
    for accepts in all {
        let connections = accepts.connections;
        let done = load::closed(&target, connections, Extent::Window(window)).await;
        let done = done.with_context(|| format!("(a) publishing over {connections} connections"))?;
        accepted += done.count;
        accepts.per_s.push(done.per_second);
        if let Some(busy) = done.busy {
            accepts.generator_busy.push(busy);
        }
        progress("a", &accepts.name(), &format!("{}/s", grouped(done.per_second)));
        postgres.checkpoint().await?;
    }
    serve.stop().await?;
    audit::check(&url, accepted, Expected::Accepted).await.context("(a) durable accepts")
}
