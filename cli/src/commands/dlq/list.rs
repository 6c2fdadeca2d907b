//! `sigpost dlq list`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::filter::Filter;
use crate::api_client::{Api, ApiArgs, with_query};
use crate::filter_args::Parameters;
use crate::output;
use crate::table::{Table, list, text, time};

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
        let api = self.api.open()?;
        let parameters = self.filter.parameters_until(self.filter.until);
        let most = if self.all { usize::MAX } else { self.limit };
        let mut letters = Vec::new();
        let mut cursor = self.cursor;
        while letters.len() < most {
            let page = page(&api, &parameters, PAGE.min(most - letters.len()), cursor.as_deref()).await?;
            letters.extend_from_slice(list(&page["messages"]));
            cursor = page["cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        let mut answer = json!({ "messages": letters });
        if let Some(cursor) = &cursor {
            answer["cursor"] = cursor.as_str().into();
        }
        output::print(self.api.json, &answer, || table(&letters))?;
        if let Some(cursor) = cursor.filter(|_| !self.api.json) {
            eprintln!("there are more: use --cursor {cursor}, or --all");
        }
        Ok(())
    }
}

/// Fetches a page of the list.
pub(super) async fn page(api: &Api, which: &Parameters<'_>, count: usize, cursor: Option<&str>) -> Result<Value> {
    let mut parameters = which.clone();
    parameters.push(("count", count.to_string().into()));
    parameters.extend(cursor.map(|cursor| ("cursor", cursor.into())));
    api.get(&with_query("/v2/dlq", &parameters)).await
}

fn table(letters: &[Value]) -> String {
    // A dead-letter ID begins with the time of the failure.
    let failed_at = |letter: &Value| {
        let ms = letter["dlqId"].as_str().and_then(|id| id.split_once('-')?.0.parse::<i64>().ok());
        time(&ms.into())
    };
    Table::new(["ID", "FAILED", "STATUS", "LABEL", "DESTINATION"])
        .rows(letters, |letter| {
            let [id, status, label, url] = ["dlqId", "responseStatus", "label", "url"].map(|name| text(&letter[name]));
            [id, failed_at(letter), status, label, url]
        })
        .or("no dead letters: no matching message has failed")
}
