//! `sigpost dlq delete`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use sigpost_client::{Client, DeadLetterFilter};

use super::dead_letters;
use super::filter::Filter;
use super::matching::{count, matching};
use crate::api_args::ApiArgs;
use crate::confirm::ConfirmArgs;
use crate::output;
use crate::progress::Progress;
use crate::usage::WrongUsage;

/// Delete dead letters by ID or by filter. Their messages can no longer be retried.
///
/// With a filter it counts the dead letters that match when it begins, asks for confirmation, and deletes them.
/// Messages that fail later are not included.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost dlq delete 1763800000123-42 --yes
  sigpost dlq delete --destination https://example.com/hook --until 30d
  sigpost dlq delete --all")]
pub(super) struct Delete {
    /// IDs of dead letters, as `sigpost dlq list` prints them.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Delete all dead letters.
    #[arg(long)]
    all: bool,
    #[command(flatten, next_help_heading = "Filters")]
    filter: Filter,
    #[command(flatten, next_help_heading = None)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    api: ApiArgs,
}

impl Delete {
    pub(super) async fn run(self) -> Result<()> {
        let has_filter = !self.filter.filter().matches_all();
        match (!self.ids.is_empty(), has_filter, self.all) {
            (true, false, false) => self.delete_ids().await,
            (false, true, false) | (false, false, true) => self.delete_matching().await,
            _ => Err(WrongUsage::new("give IDs, filters or --all, and only one of the three").into()),
        }
    }

    async fn delete_ids(self) -> Result<()> {
        let ids: BTreeSet<&str> = self.ids.iter().map(String::as_str).collect();
        self.confirm.confirm(&format!("Delete {}?", dead_letters(ids.len())))?;
        let response = self.api.open()?.delete_dead_letters_by_id(ids.iter().copied()).response().await?;
        let count = usize::try_from(response.read()?.deleted)?;
        output::print(self.api.json, &response.json()?, || format!("{} deleted", dead_letters(count)))?;
        let asked = dead_letters(ids.len());
        ensure!(count == ids.len(), "{count} of {asked} were deleted; the others do not exist");
        Ok(())
    }

    async fn delete_matching(self) -> Result<()> {
        let api = self.api.open()?;
        let Some(which) = matching(&api, &self.filter).await? else { return self.report(0, 0) };
        let matched = count(&api, &which, usize::MAX).await?;
        self.confirm.confirm(&format!("{} match. Delete them?", dead_letters(matched)))?;
        let mut deleted = 0;
        let ended = delete_pages(&api, &which, matched, &mut deleted).await;
        ended.with_context(|| {
            format!("{deleted} of {} deleted; run the same command again to continue", dead_letters(matched))
        })?;
        self.report(matched, deleted)
    }

    fn report(&self, matched: usize, deleted: usize) -> Result<()> {
        output::print(self.api.json, &json!({ "matched": matched, "deleted": deleted }), || match matched {
            0 => "no dead letters match".into(),
            _ => format!("{} deleted", dead_letters(deleted)),
        })
    }
}

/// Deletes page by page and adds to `deleted` after each page.
async fn delete_pages(api: &Client, which: &DeadLetterFilter, matched: usize, deleted: &mut usize) -> Result<()> {
    let mut progress = Progress::of(u64::try_from(matched)?);
    let mut pages = api.delete_dead_letters(which).pages();
    while let Some(page) = pages.next().await? {
        *deleted += usize::try_from(page.deleted)?;
        progress.done(u64::try_from(*deleted)?, || format!("{deleted} of {matched} deleted"));
    }
    Ok(())
}
