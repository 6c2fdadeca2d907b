//! `sigpost dlq show`.

use anyhow::Result;
use clap::Args;
use sigpost_qstash::{Body, DeadLetter};

use crate::api_args::ApiArgs;
use crate::table::{harmless, optional, text, time};

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
        self.api.print(|api| api.get_dead_letter(&self.id), |letter| description(&letter)).await
    }
}

fn description(letter: &DeadLetter) -> String {
    let DeadLetter { message, dlq_id, response_status, response_body: Body(response), .. } = letter;
    let labels: Vec<String> = message.labels.iter().map(text).collect();
    let excerpt: String = String::from_utf8_lossy(response).chars().take(EXCERPT).collect();
    let excerpt: Vec<String> = excerpt.lines().map(|line| format!("    {}", harmless(line))).collect();
    let lines = [
        format!("{dlq_id}  {}", message.message_id),
        format!("  to        {} {}", message.method, text(&message.url)),
        format!("  accepted  {}", time(message.created_at)),
        format!("  labels    {}", text(labels.join(", "))),
        format!("  queue     {}", optional(message.queue_name.as_ref())),
        format!("  retries   {}", message.max_retries),
        match response_status {
            0 => {
                format!("  status    no response; see the error with: sigpost tail --message {}", message.message_id)
            }
            status => format!("  status    {status}"),
        },
    ];
    lines.into_iter().chain(excerpt).collect::<Vec<_>>().join("\n")
}
