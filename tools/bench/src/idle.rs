//! (d) What an idle `serve` asks of Postgres: statements per hour.
//!
//! They are counted by `pg_stat_statements` in a Postgres of its own, where nothing else runs, and
//! by the count of transactions beside it. Before it is idle the process has delivered something,
//! so that what it does then and forgets to stop would be seen.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::time::sleep;

use crate::audit::{self, Expected};
use crate::closed_loop::Extent;
use crate::load;
use crate::progress::progress;
use crate::serve_process::{Delivery, ServeProcess};
use crate::sink_process::SinkProcess;
use crate::statements::{self, Statement};

const JOBS: u64 = 200;
const CONNECTIONS: usize = 4;
/// Longer than a lease of 20 s, at the end of the last of which the engine looks once more, and than the minute
/// after which it reports once more.
const SETTLE: Duration = Duration::from_secs(90);
/// Postgres counts the transactions of a session at most 10 s later.
const LATE: Duration = Duration::from_secs(12);

/// What was counted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Idle {
    /// How long was counted, in seconds.
    pub(crate) window_s: u64,
    /// The poll interval of `serve`, in seconds.
    pub(crate) poll_s: u64,
    /// Statements in that time.
    pub(crate) counted: u64,
    /// Transactions in that time and the 12 s after it, by another count of Postgres.
    pub(crate) transactions: u64,
    /// `pg_stat_statements`, or `transactions` where this Postgres comes without it.
    pub(crate) counted_by: &'static str,
    /// In an hour; see [`per_hour`].
    pub(crate) per_hour: f64,
    /// Which statements they were.
    pub(crate) statements: Vec<Statement>,
}

/// Measures it.
pub(crate) async fn measure(program: &Path, sink: &SinkProcess, window: Duration) -> Result<Idle> {
    let (postgres, with_statements) = statements::counting_postgres().await?;
    let url = postgres.fresh_database().await?;
    let serve = ServeProcess::start(program, &url, Delivery::On).await?;
    let counted = async {
        sink.reset().await?;
        load::closed(&serve.publish_to(&sink.url()), CONNECTIONS, Extent::Steps(JOBS)).await?;
        sink.received(JOBS).await?;
        audit::check(&url, JOBS, Expected::Delivered).await?;
        sleep(SETTLE).await;
        eprintln!("  d   counting statements for {} s", window.as_secs());
        let before = statements::transactions(&postgres, &url).await?;
        if with_statements {
            statements::forget(&postgres).await?;
        }
        sleep(window).await;
        let counted = if with_statements { statements::counted(&postgres, &url).await? } else { Vec::new() };
        sleep(LATE).await;
        anyhow::Ok((counted, statements::transactions(&postgres, &url).await? - before))
    };
    let (statements, transactions) = counted.await.context("(d) counting the statements of an idle serve")?;
    serve.stop().await?;
    postgres.stop().await?;

    let counted = if with_statements { statements.iter().map(|one| one.calls).sum() } else { transactions };
    let poll = dispatch::engine::Settings::default().poll;
    let idle = Idle {
        window_s: window.as_secs(),
        poll_s: poll.as_secs(),
        counted,
        transactions,
        counted_by: if with_statements { "pg_stat_statements" } else { "transactions" },
        per_hour: per_hour(counted, window, poll),
        statements,
    };
    progress(
        "d",
        "statements of an idle serve",
        &format!("{} in {} s, {:.0} an hour", counted, idle.window_s, idle.per_hour),
    );
    Ok(idle)
}

/// What a count in a window comes to in an hour, rather too much than too little. A window that is
/// shorter than the poll interval need not see a poll: it cannot come to less than the polls. In a
/// longer one only whole poll intervals count as time, since it may have seen just that many polls.
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
    fn an_hour_has_at_least_its_polls_and_one_seen_poll_is_no_more_than_one() {
        let per_hour = |counted, seconds| per_hour(counted, Duration::from_secs(seconds), Duration::from_secs(300));
        assert_eq!(per_hour(0, 60), 12.0, "no poll was seen, and there are 12 an hour");
        assert_eq!(per_hour(1, 60), 60.0);
        assert_eq!(per_hour(1, 330), 12.0, "one poll in 330 s is not less than 12 an hour");
        assert_eq!(per_hour(2, 330), 24.0);
        assert_eq!(per_hour(2, 660), 12.0);
    }
}
