//! (c) From publish to the handler, while there is little to do: 20 jobs a second.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::load;
use crate::progress::progress;
use crate::serve_process::Delivery;
use crate::testbed::Testbed;

const EVERY: Duration = Duration::from_millis(50);
/// Enough that four jobs are slower than the 99th percentile.
const JOBS: u64 = 400;
/// Before the time counts: connections are made and statements prepared.
const WARM_UP_JOBS: u64 = 20;

/// What was measured, in milliseconds, from the moment before the publish to the moment at which
/// the sink has read the job.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Latency {
    /// Jobs, one each 50 ms.
    pub(crate) jobs: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

/// Measures it.
pub(crate) async fn measure(testbed: &Testbed) -> Result<Latency> {
    let Testbed { postgres, sink, .. } = testbed;
    let url = postgres.fresh_database().await?;
    let serve = testbed.serve(&url, Delivery::On).await?;
    let target = serve.publish_to(&sink.url());
    let measured = async {
        sink.reset().await?;
        load::open(&target, EVERY, WARM_UP_JOBS).await?;
        sink.received(WARM_UP_JOBS).await?;
        sink.reset().await?;
        load::open(&target, EVERY, JOBS).await?;
        sink.received(JOBS).await?;
        sink.stats_of(JOBS).await
    };
    let stats = measured.await.context("(c) publishing 20 jobs a second")?;
    serve.stop().await?;

    let latency =
        Latency { jobs: JOBS, p50_ms: stats.delay_p50_ms, p99_ms: stats.delay_p99_ms, max_ms: stats.delay_max_ms };
    let figure = format!("p50 {:.2} ms, p99 {:.2} ms", latency.p50_ms, latency.p99_ms);
    progress("c", "publish to handler, 20 jobs a second", &figure);
    Ok(latency)
}
