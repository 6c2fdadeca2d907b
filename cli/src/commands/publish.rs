//! `sigpost publish`.

use anyhow::Result;
use clap::Args;
use sigpost_client::destination;
use sigpost_qstash::{PublishResponse, Published};

use crate::api_args::ApiArgs;
use crate::message_args::MessageArgs;

/// Publish a message to a destination.
#[derive(Debug, Args)]
#[command(after_help = "Example: sigpost publish http://127.0.0.1:8080/api/jobs/cleanup --body '{\"retention\": 30}'")]
pub(crate) struct Publish {
    /// Destination: an http or https URL.
    #[arg(value_parser = destination)]
    destination: String,
    #[command(flatten)]
    message: MessageArgs,
    /// Deduplication ID. Another publish with the same ID within ten minutes stores nothing.
    #[arg(long, value_name = "ID")]
    deduplication_id: Option<String>,
    #[command(flatten)]
    api: ApiArgs,
}

impl Publish {
    pub(crate) async fn run(self) -> Result<()> {
        let mut message = self.message.message()?;
        message.deduplication_id = self.deduplication_id;
        self.api.print(|api| api.publish_message(&self.destination, &message), |published| text(&published)).await
    }
}

/// Formats one line per message: a URL group has several.
fn text(published: &Published) -> String {
    let line = |message: &PublishResponse| match message.deduplicated {
        true => format!("{} (duplicate; nothing was stored)", message.message_id),
        false => message.message_id.to_string(),
    };
    published.messages().iter().map(line).collect::<Vec<_>>().join("\n")
}
