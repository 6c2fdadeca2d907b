//! `sigpost dlq list`.

use anyhow::Result;
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sigpost_client::Call;
use sigpost_qstash::{DeadLetter, DeadLettersPage};

use super::filter::Filter;
use crate::api_args::ApiArgs;
use crate::output;
use crate::table::{Table, optional, text, time};

/// Rows of a page: the maximum of the API.
pub(super) const PAGE: usize = 100;

/// List dead letters, the newest first.
#[derive(Debug, Args)]
#[command(after_help = "Example: sigpost dlq list --since 24h --status 500 --all --json")]
pub(super) struct List {
    /// Maximum number of dead letters.
    #[arg(long, value_name = "N", default_value_t = PAGE)]
    limit: usize,
    /// Continue after an earlier list, which printed this cursor.
    #[arg(long)]
    cursor: Option<String>,
    /// List all dead letters, without a limit.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten, next_help_heading = "Filters")]
    filter: Filter,
    #[command(flatten, next_help_heading = None)]
    api: ApiArgs,
}

impl List {
    pub(super) async fn run(self) -> Result<()> {
        let call = self.api.open()?.list_dead_letters(&self.filter.filter());
        let most = if self.all { usize::MAX } else { self.limit };
        let cursor = match self.api.json {
            true => {
                let page = collect::<Value>(call.read_as(), most, self.cursor).await?;
                return output::json(&serde_json::to_value(page)?);
            }
            false => {
                let page = collect(call, most, self.cursor).await?;
                output::line(&table(&page.messages))?;
                page.cursor
            }
        };
        if let Some(cursor) = cursor {
            eprintln!("there are more: use --cursor {cursor}, or --all");
        }
        Ok(())
    }
}

/// Requests pages until they have this number of dead letters. Returns them as one page.
async fn collect<T: DeserializeOwned>(
    call: Call<DeadLettersPage<T>>,
    most: usize,
    cursor: Option<String>,
) -> Result<DeadLettersPage<T>> {
    let mut collected = DeadLettersPage { messages: Vec::new(), cursor };
    let mut pages = call.after(collected.cursor.as_deref()).count(PAGE.min(most)).pages();
    while collected.messages.len() < most {
        let Some(page) = pages.next().await? else { break };
        collected.messages.extend(page.messages);
        collected.cursor = page.cursor;
        pages = pages.count(PAGE.min(most - collected.messages.len()));
    }
    Ok(collected)
}

fn table(letters: &[DeadLetter]) -> String {
    Table::new(["ID", "FAILED", "STATUS", "LABEL", "DESTINATION"])
        .rows(letters, |letter| {
            let DeadLetter { dlq_id, response_status, message, .. } = letter;
            let (failed, label) = (time(dlq_id.failed_at_ms), optional(message.labels.first()));
            [dlq_id.to_string(), failed, response_status.to_string(), label, text(&message.url)]
        })
        .or("no dead letters: no matching message has failed")
}
