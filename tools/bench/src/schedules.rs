//! Many schedules that are due in the same minute: the time until all their messages are published and delivered.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use crate::audit::{self, Expected};
use crate::load;
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::process;
use crate::progress::progress;
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::Delivery;
use crate::sink::Destination;
use crate::testbed::Testbed;

const SCHEDULES: u64 = 5_000;
/// Clients that create the schedules.
const CONNECTIONS: usize = 16;
/// All schedules must exist before they are due; 5,000 take a few seconds.
const TIME_TO_CREATE: SignedDuration = SignedDuration::from_secs(45);
const SECOND: i64 = 1;
const MINUTE: i64 = 60 * SECOND;

/// Measures the schedules. Returns the rows of the report.
pub(crate) async fn measure(testbed: &Testbed) -> Result<Vec<Row>> {
    run(testbed).await.context("schedules that are due in the same minute")
}

async fn run(testbed: &Testbed) -> Result<Vec<Row>> {
    let Testbed { postgres, sink, .. } = testbed;
    let url = postgres.fresh_database().await?;
    // Creating a schedule counts against the rate limit of the API, which is not measured.
    let serve = testbed.serve_with(&url, Delivery::On, &[("API_RATE_LIMIT_PER_SECOND", "0")]).await?;
    sink.reset().await?;
    let due = next_minute(Timestamp::now() + TIME_TO_CREATE)?;
    let mut target = serve.endpoint(format!("/v2/schedules/{}", sink.url(Destination::Plain)));
    target.headers.push(("upstash-cron", cron(due)));
    // The sink measures from this moment on.
    target.sent_ns = Some(u64::try_from(due.as_nanosecond())?);
    load::closed(&target, CONNECTIONS, Extent::Steps(SCHEDULES)).await?;
    ensure!(Timestamp::now() < due, "{SCHEDULES} schedules could not be created before they were due");
    let wait = Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
    eprintln!("  schedules      due in {} s", wait.as_secs());
    sleep(wait).await;

    sink.received(SCHEDULES).await?;
    audit::check(&url, SCHEDULES, Expected::Delivered).await?;
    let published_s = audit::seconds_until_last_message(&url, due).await?;
    let peak_mb = process::memory(serve.pid())?.peak();
    serve.stop().await?;
    let delivered_s = sink.stats_of(SCHEDULES).await?.delay_max_ms / 1e3;
    progress("schedules", "5,000 schedules until all are delivered", &format!("{delivered_s:.1} s"));
    let row = |name, title, value| Row::new(Part::Schedules, name, title, Unit::Seconds, &Series::of(&[value]));
    Ok(vec![
        row("schedules-published", "5,000 schedules, until all are published", published_s)
            .with_peak(&Series::of(&[peak_mb])),
        row("schedules-delivered", "  until all are delivered", delivered_s),
    ])
}

/// Returns the start of the next minute.
fn next_minute(after: Timestamp) -> Result<Timestamp> {
    Ok(Timestamp::from_second((after.as_second() / MINUTE + 1) * MINUTE)?)
}

/// Returns a cron expression that fires at this minute of each day.
fn cron(due: Timestamp) -> String {
    let due = due.to_zoned(TimeZone::UTC);
    format!("{} {} * * *", due.minute(), due.hour())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_due_at_the_beginning_of_a_minute() {
        let due = next_minute("2026-11-30T23:58:59.5Z".parse().expect("a time")).expect("in range");
        assert_eq!(due.to_string(), "2026-11-30T23:59:00Z");
        assert_eq!(cron(due), "59 23 * * *");
    }
}
