//! `sigpost dlq show`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::api_client::{ApiArgs, with_segment};
use crate::output;
use crate::table::{harmless, list, text, time};

/// Characters of the response that the text output includes.
const EXCERPT: usize = 2000;

/// Show a dead letter with the last response. Only --json includes the payload.
#[derive(Debug, Args)]
#[command(after_help = "Example: sigpost dlq show 1763800000123-42")]
pub(super) struct Show {
    /// ID of the dead letter, as `sigpost dlq list` prints it.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    api: ApiArgs,
}

impl Show {
    pub(super) async fn run(self) -> Result<()> {
        let letter = self.api.open()?.get(&with_segment("/v2/dlq", &self.id)).await?;
        output::print(self.api.json, &letter, || description(&letter))
    }
}

fn description(letter: &Value) -> String {
    let field = |name: &str| text(&letter[name]);
    let labels: Vec<String> = list(&letter["labels"]).iter().map(text).collect();
    let response =
        letter["responseBody"].as_str().unwrap_or_else(|| letter["responseBodyBase64"].as_str().unwrap_or(""));
    let excerpt: String = response.chars().take(EXCERPT).collect();
    let excerpt: Vec<String> = excerpt.lines().map(|line| format!("    {}", harmless(line))).collect();
    let lines = [
        format!("{}  {}", field("dlqId"), field("messageId")),
        format!("  to        {} {}", field("method"), field("url")),
        format!("  accepted  {}", time(&letter["createdAt"])),
        format!("  labels    {}", if labels.is_empty() { "-".into() } else { labels.join(", ") }),
        format!("  queue     {}", field("queueName")),
        format!("  retries   {}", field("maxRetries")),
        match letter["responseStatus"].as_u64() {
            None | Some(0) => {
                format!("  status    no response; see the error with: sigpost tail --message {}", field("messageId"))
            }
            Some(status) => format!("  status    {status}"),
        },
    ];
    lines.into_iter().chain(excerpt).collect::<Vec<_>>().join("\n")
}
