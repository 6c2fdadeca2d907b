//! The dead letters that match a filter when a command begins.

use anyhow::Result;
use sigpost_client::{Client, DeadLetterFilter};

use super::filter::Filter;
use super::list::PAGE;
use crate::progress::Progress;

/// Returns a filter for the dead letters that match now, the oldest first. The upper bound is the failure time of the
/// newest match (server clock), which excludes later failures. Returns `None` if nothing matches.
pub(super) async fn matching(api: &Client, filter: &Filter) -> Result<Option<DeadLetterFilter>> {
    let filter = filter.filter();
    let newest = api.list_dead_letters(&filter).without_bodies().count(1).await?;
    Ok(newest.messages.first().map(|letter| DeadLetterFilter {
        to_ms: Some(letter.dlq_id.failed_at_ms),
        earliest_first: true,
        ..filter
    }))
}

/// Counts matching dead letters, up to `most`.
pub(super) async fn count(api: &Client, which: &DeadLetterFilter, most: usize) -> Result<usize> {
    let mut progress = Progress::unknown();
    let mut pages = api.list_dead_letters(which).without_bodies().count(PAGE).pages();
    let mut count = 0;
    while count < most
        && let Some(page) = pages.next().await?
    {
        count += page.messages.len();
        progress.now(|| format!("counting: {count}"));
    }
    Ok(count.min(most))
}
