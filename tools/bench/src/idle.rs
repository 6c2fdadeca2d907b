//! Statements of an idle `serve` per hour.
//!
//! `pg_stat_statements` counts them in a separate Postgres without other clients. Transactions are counted too. The
//! process first delivers messages, so that background work that outlasts them is counted.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::time::sleep;

use crate::audit::{self, Expected};
use crate::load::closed_loop::Extent;
use crate::part::Part;
use crate::progress::progress;
use crate::row::{Row, Unit};
use crate::series::Series;
use crate::serve::process::{Delivery, ServeProcess};
use crate::sink::Destination;
use crate::sink::process::SinkProcess;
use crate::statements::{self, Statement};
use crate::{load, process};

const JOBS: u64 = 200;
const CONNECTIONS: usize = 4;
/// Longer than a lease of 20 s, after which the dispatcher queries once more, and than the minute after which it
/// reports once more.
const SETTLE: Duration = Duration::from_secs(90);
/// Postgres counts the transactions of a session at most 10 s later.
const LATE: Duration = Duration::from_secs(12);

/// Counted statements and transactions.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Idle {
    /// The window, in seconds.
    pub(crate) window_s: u64,
    /// The poll interval of `serve`, in seconds.
    pub(crate) poll_s: u64,
    /// Statements in that time.
    pub(crate) counted: u64,
    /// Transactions in that time and the 12 s after it, by the statistics of Postgres.
    pub(crate) transactions: u64,
    /// `pg_stat_statements`, or `transactions` if this Postgres does not include it.
    pub(crate) counted_by: &'static str,
    /// Statements per hour; see [`per_hour`].
    pub(crate) per_hour: f64,
    /// Peak memory of `serve`, in millions of bytes.
    pub(crate) serve_peak_mb: f64,
    /// Counts by statement.
    pub(crate) statements: Vec<Statement>,
}

/// Measures the idle statements.
pub(crate) async fn measure(program: &Path, sink: &SinkProcess, window: Duration) -> Result<Idle> {
    let (postgres, with_statements) = statements::counting_postgres().await?;
    let url = postgres.fresh_database().await?;
    let serve = ServeProcess::start(program, &url, Delivery::On, &[]).await?;
    let counted = async {
        sink.reset().await?;
        load::closed(&serve.publish_to(&sink.url(Destination::Plain)), CONNECTIONS, Extent::Steps(JOBS)).await?;
        sink.received(JOBS).await?;
        audit::check(&url, JOBS, Expected::Delivered).await?;
        sleep(SETTLE).await;
        eprintln!("  idle       counting statements for {} s", window.as_secs());
        let before = statements::transactions(&postgres, &url).await?;
        if with_statements {
            statements::forget(&postgres).await?;
        }
        sleep(window).await;
        let counted = if with_statements { statements::counted(&postgres, &url).await? } else { Vec::new() };
        sleep(LATE).await;
        anyhow::Ok((counted, statements::transactions(&postgres, &url).await? - before))
    };
    let (statements, transactions) = counted.await.context("counting the statements of an idle serve")?;
    let serve_peak_mb = process::memory(serve.pid())?.peak();
    serve.stop().await?;
    postgres.stop().await?;

    let counted = if with_statements { statements.iter().map(|one| one.calls).sum() } else { transactions };
    let poll = dispatch::dispatcher::Settings::default().poll;
    let idle = Idle {
        window_s: window.as_secs(),
        poll_s: poll.as_secs(),
        counted,
        transactions,
        counted_by: if with_statements { "pg_stat_statements" } else { "transactions" },
        per_hour: per_hour(counted, window, poll),
        serve_peak_mb,
        statements,
    };
    progress(
        "idle",
        "statements of an idle serve",
        &format!("{} in {} s, {:.0} an hour", counted, idle.window_s, idle.per_hour),
    );
    Ok(idle)
}

impl Idle {
    /// Returns the row of the report.
    pub(crate) fn row(&self) -> Row {
        let polls = 3600 / self.poll_s.max(1);
        let (counted, window_s, by, poll_s) = (self.counted, self.window_s, self.counted_by, self.poll_s);
        let remark = format!("{counted} counted in {window_s} s by {by}; one poll per {poll_s} s is {polls} an hour");
        let per_hour = Series::of(&[self.per_hour]);
        Row::new(Part::Idle, "idle", "statements of an idle serve", Unit::PerHour, &per_hour)
            .with_peak(&Series::of(&[self.serve_peak_mb]))
            .with_remark(remark)
    }
}

/// Converts the count of a window to statements per hour, rounding up. A window shorter than the poll interval may
/// contain no poll, so the result is at least the polls per hour. Of a longer window, only whole poll intervals count as
/// time, because it may contain only that many polls.
fn per_hour(counted: u64, window: Duration, poll: Duration) -> f64 {
    let (window, poll, hour) = (window.as_secs_f64(), poll.as_secs_f64(), 3600.0);
    let whole_polls = (window / poll).floor() * poll;
    let time = if whole_polls > 0.0 { whole_polls } else { window };
    (counted as f64 * hour / time).max(hour / poll)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hour_has_at_least_its_polls() {
        let per_hour = |counted, seconds| per_hour(counted, Duration::from_secs(seconds), Duration::from_secs(300));
        assert_eq!(per_hour(0, 60), 12.0, "no poll in the window, and there are 12 an hour");
        assert_eq!(per_hour(1, 60), 60.0);
        assert_eq!(per_hour(1, 330), 12.0, "one poll in 330 s is not less than 12 an hour");
        assert_eq!(per_hour(2, 330), 24.0);
        assert_eq!(per_hour(2, 660), 12.0);
    }
}
