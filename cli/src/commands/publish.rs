//! `sigpost publish`.

use anyhow::Result;
use clap::Args;
use reqwest::Method;

use crate::api_client::{ApiArgs, destination};
use crate::message_args::MessageArgs;
use crate::output;

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
        let api = self.api.open()?;
        let mut request =
            self.message.add_to(api.request(Method::POST, &format!("/v2/publish/{}", self.destination)))?;
        if let Some(id) = &self.deduplication_id {
            request = request.header("Upstash-Deduplication-Id", id);
        }
        let answer = api.send(request).await?;
        output::print(self.api.json, &answer, || {
            let id = answer["messageId"].as_str().unwrap_or("-");
            match answer["deduplicated"].as_bool() {
                Some(true) => format!("{id} (duplicate; nothing was stored)"),
                _ => id.to_owned(),
            }
        })
    }
}
