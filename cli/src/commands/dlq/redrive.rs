//! `sigpost dlq redrive`.

mod pace;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use sigpost_client::{Client, DeadLetterFilter};
use tokio::time::{Instant, sleep_until};

use self::pace::{Pace, Rate};
use super::dead_letters;
use super::filter::Filter;
use super::matching::{count, matching};
use crate::api_args::ApiArgs;
use crate::output;
use crate::progress::Progress;

/// Retry all matching dead letters, the oldest first, at a limited rate.
///
/// Messages that fail again while the command runs are not included. Ctrl-C stops it between two batches. Run the
/// same command again to continue with the remaining dead letters.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost dlq redrive --destination https://example.com/hook --rate 50/s
  sigpost dlq redrive --since 24h --status 503 --dry-run")]
pub(super) struct Redrive {
    /// Maximum messages per second, minute or hour: `50/s`, `600/m`, `100/h`.
    #[arg(long, default_value = "10/s")]
    rate: Rate,
    /// Maximum number of messages.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print how many dead letters match, and retry none.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten, next_help_heading = "Filters")]
    filter: Filter,
    #[command(flatten, next_help_heading = None)]
    api: ApiArgs,
}

impl Redrive {
    pub(super) async fn run(self) -> Result<()> {
        let api = self.api.open()?;
        let Some(which) = matching(&api, &self.filter).await? else {
            return self.report(0, 0);
        };
        let most = self.limit.unwrap_or(usize::MAX);
        let matched = count(&api, &which, most).await?;
        if self.dry_run {
            return self.report(matched, 0);
        }
        let mut redriven = Redriven { retried: 0, matched };
        let ended = redriven.redrive(&api, &which, Pace::new(self.rate), most).await;
        let so_far = || {
            format!("{} of {} retried; run the same command again to continue", redriven.retried, dead_letters(matched))
        };
        if ended.with_context(so_far)? == Ended::Stopped {
            bail!("stopped: {}", so_far());
        }
        self.report(matched, redriven.retried)
    }

    fn report(&self, matched: usize, retried: usize) -> Result<()> {
        let answer = json!({ "matched": matched, "retried": retried });
        output::print(self.api.json, &answer, || match (matched, self.dry_run) {
            (0, _) => "no dead letters match".into(),
            (_, true) => format!("{} would be retried", dead_letters(matched)),
            (_, false) => format!("{} retried", dead_letters(retried)),
        })
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    AtTheEnd,
    Stopped,
}

/// Progress of a redrive.
struct Redriven {
    retried: usize,
    matched: usize,
}

impl Redriven {
    /// Retries batch after batch until none is left or Ctrl-C. Waits for the response to a batch that was sent.
    async fn redrive(&mut self, api: &Client, which: &DeadLetterFilter, mut pace: Pace, most: usize) -> Result<Ended> {
        let mut progress = Progress::of(u64::try_from(self.matched)?);
        let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
        let mut pages = api.retry_dead_letters(which).pages();
        while self.retried < most {
            let batch = pace.batch().min(most - self.retried);
            tokio::select! {
                biased;
                _ = &mut stop => return Ok(Ended::Stopped),
                () = sleep_until(pace.due(batch, Instant::now())) => {}
            }
            pages = pages.count(batch);
            let Some(page) = pages.next().await? else { break };
            self.retried += page.responses.len();
            progress.done(u64::try_from(self.retried)?, || format!("{} of {} retried", self.retried, self.matched));
        }
        Ok(Ended::AtTheEnd)
    }
}
