//! The dead letters that match a filter when a command begins.

use anyhow::{Context, Result};
use sigpost_qstash::DeadLetterId;

use super::filter::Filter;
use super::list::{PAGE, page};
use crate::api_client::Api;
use crate::filter_args::Parameters;
use crate::progress::Progress;
use crate::table::list;

/// Returns query parameters for the dead letters that match now, the oldest first. The upper bound is the failure time
/// of the newest match (server clock), which excludes later failures. Returns `None` if nothing matches.
pub(super) async fn matching<'a>(api: &Api, filter: &'a Filter) -> Result<Option<Parameters<'a>>> {
    let newest = page(api, &without_bodies(filter.parameters_until(filter.until)), 1, None).await?;
    let Some(id) = newest["messages"][0]["dlqId"].as_str() else { return Ok(None) };
    let id: DeadLetterId = id.parse().context("the API returned an invalid dead-letter ID")?;
    let mut parameters = filter.parameters_until(Some(id.failed_at_ms));
    parameters.push(("order", "earliestFirst".into()));
    Ok(Some(parameters))
}

/// Counts matching dead letters, up to `most`.
pub(super) async fn count(api: &Api, parameters: &Parameters<'_>, most: usize) -> Result<usize> {
    let parameters = without_bodies(parameters.clone());
    let mut progress = Progress::unknown();
    let (mut count, mut cursor) = (0, None::<String>);
    loop {
        let page = page(api, &parameters, PAGE, cursor.as_deref()).await?;
        count += list(&page["messages"]).len();
        progress.now(|| format!("counting: {count}"));
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || count >= most {
            return Ok(count.min(most));
        }
    }
}

/// Adds the parameter `bodies=false`, which only list requests accept.
fn without_bodies(mut parameters: Parameters<'_>) -> Parameters<'_> {
    parameters.push(("bodies", "false".into()));
    parameters
}
