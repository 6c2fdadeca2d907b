//! Latency from publish to handler at 20 messages per second, alone or concurrently with messages to a hanging
//! destination.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::load;
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::process;
use crate::progress::progress;
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::{Delivery, ServeProcess};
use crate::sink::Destination;
use crate::sink::tally::Stats;
use crate::testbed::Testbed;

const EVERY: Duration = Duration::from_millis(50);
/// Enough that four messages are slower than the 99th percentile.
const MESSAGES: u64 = 400;
/// Warm-up messages, which open connections and prepare statements.
const WARM_UP_MESSAGES: u64 = 20;

/// Messages to the hanging destination.
const HANGING_MESSAGES: u64 = 1_500;
const HANGING_CONNECTIONS: usize = 32;
/// Pause until the maximum of them is in flight.
const SETTLE: Duration = Duration::from_secs(3);
/// Maximum time from the last publish to the delivery of the measured messages.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// Measures the time from before the publish until the sink has read the body. Returns the rows of the report.
pub(crate) async fn measure(testbed: &Testbed) -> Result<Vec<Row>> {
    let serve = warm(testbed).await?;
    let sink = &testbed.sink;
    let measured = async {
        load::open(&serve.publish_to(&sink.url(Destination::Plain)), EVERY, MESSAGES).await?;
        sink.received(MESSAGES).await?;
        sink.stats_of(MESSAGES).await
    };
    let stats = measured.await.context("publishing 20 messages per second")?;
    let peak_mb = process::memory(serve.pid())?.peak();
    serve.stop().await?;
    let remark = format!("{MESSAGES} messages, the slowest {:.1} ms", stats.delay_max_ms);
    Ok(rows(Part::Latency, "latency", "publish to handler, 20 messages/s", &stats, peak_mb, &remark))
}

/// Measures the same latency during 1,500 messages to a hanging destination. A message without delivery within a minute
/// counts as one minute.
pub(crate) async fn measure_beside_hanging(testbed: &Testbed) -> Result<Vec<Row>> {
    let serve = warm(testbed).await?;
    let sink = &testbed.sink;
    let measured = async {
        let hanging = serve.publish_to(&sink.url(Destination::Hanging));
        load::closed(&hanging, HANGING_CONNECTIONS, Extent::Steps(HANGING_MESSAGES)).await?;
        sleep(SETTLE).await;
        load::open(&serve.publish_to(&sink.url(Destination::Plain)), EVERY, MESSAGES).await?;
        let published = Instant::now();
        loop {
            let stats = sink.stats().await?;
            if stats.received >= MESSAGES || published.elapsed() >= PATIENCE {
                return anyhow::Ok(stats);
            }
            sleep(PAUSE).await;
        }
    };
    let stats = measured.await.context("publishing beside a hanging destination")?;
    ensure!(stats.duplicates == 0, "{} messages were delivered more than once", stats.duplicates);
    let peak_mb = process::memory(serve.pid())?.peak();
    // A graceful shutdown would wait for the hanging requests.
    serve.kill().await?;
    let missing = MESSAGES - stats.received.min(MESSAGES);
    let remark = format!("beside {HANGING_MESSAGES} messages; {missing} of {MESSAGES} not delivered within 60 s");
    let stats = stats.with_missing(missing, PATIENCE);
    Ok(rows(Part::Hanging, "hanging", "publish to handler beside a hanging destination", &stats, peak_mb, &remark))
}

/// Starts a `serve` and delivers the warm-up messages.
async fn warm(testbed: &Testbed) -> Result<ServeProcess> {
    let Testbed { postgres, sink, .. } = testbed;
    let url = postgres.fresh_database().await?;
    let serve = testbed.serve(&url, Delivery::On).await?;
    sink.reset().await?;
    load::open(&serve.publish_to(&sink.url(Destination::Plain)), EVERY, WARM_UP_MESSAGES).await?;
    sink.received(WARM_UP_MESSAGES).await?;
    sink.reset().await?;
    Ok(serve)
}

fn rows(part: Part, name: &str, title: &str, stats: &Stats, peak_mb: f64, remark: &str) -> Vec<Row> {
    let figure = format!("p50 {:.2} ms, p99 {:.2} ms", stats.delay_p50_ms, stats.delay_p99_ms);
    progress(name, title, &figure);
    let row = |percentile: &str, value| {
        let (name, title) = (format!("{name}-{percentile}"), format!("{title}, {percentile}"));
        Row::new(part, &name, &title, Unit::Milliseconds, &Series::of(&[value]))
    };
    vec![
        row("p50", stats.delay_p50_ms).with_peak(&Series::of(&[peak_mb])),
        row("p99", stats.delay_p99_ms).with_remark(remark),
    ]
}
