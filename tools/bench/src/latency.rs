//! From publish to the handler at a low rate: 20 messages per second.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::load;
use crate::part::Part;
use crate::process;
use crate::progress::progress;
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::Delivery;
use crate::sink::Destination;
use crate::testbed::Testbed;

const EVERY: Duration = Duration::from_millis(50);
/// Enough that four messages are slower than the 99th percentile.
const MESSAGES: u64 = 400;
/// Before the time counts: connections are made and statements prepared.
const WARM_UP_MESSAGES: u64 = 20;

/// Measures it, from the moment before the publish to the moment at which the sink has read the body. Returns the
/// lines of the report.
pub(crate) async fn measure(testbed: &Testbed) -> Result<Vec<Row>> {
    let Testbed { postgres, sink, .. } = testbed;
    let url = postgres.fresh_database().await?;
    let serve = testbed.serve(&url, Delivery::On).await?;
    let target = serve.publish_to(&sink.url(Destination::Plain));
    let measured = async {
        sink.reset().await?;
        load::open(&target, EVERY, WARM_UP_MESSAGES).await?;
        sink.received(WARM_UP_MESSAGES).await?;
        sink.reset().await?;
        load::open(&target, EVERY, MESSAGES).await?;
        sink.received(MESSAGES).await?;
        sink.stats_of(MESSAGES).await
    };
    let stats = measured.await.context("publishing 20 messages per second")?;
    let peak_mb = process::memory(serve.pid())?.peak();
    serve.stop().await?;

    let figure = format!("p50 {:.2} ms, p99 {:.2} ms", stats.delay_p50_ms, stats.delay_p99_ms);
    progress("latency", "publish to handler, 20 messages per second", &figure);
    let row = |name, title, value| Row::new(Part::Latency, name, title, Unit::Milliseconds, &Series::of(&[value]));
    Ok(vec![
        row("latency-p50", "publish to handler, 20 messages/s, p50", stats.delay_p50_ms)
            .with_peak(&Series::of(&[peak_mb])),
        row("latency-p99", "publish to handler, 20 messages/s, p99", stats.delay_p99_ms)
            .with_remark(format!("{MESSAGES} messages, the slowest {:.1} ms", stats.delay_max_ms)),
    ])
}
