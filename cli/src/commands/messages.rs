//! `sigpost messages get|cancel`.

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use crate::api_client::{ApiArgs, with_segment};
use crate::output;
use crate::table::{text, time};

/// Look at a message, or cancel it.
#[derive(Debug, Args)]
pub(crate) struct Messages {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show a message: where it goes, how far it has come.
    Get(Message),
    /// Cancel a message that has not ended: waiting, between two attempts, or in flight.
    Cancel(Message),
}

#[derive(Debug, Args)]
struct Message {
    /// The id, as the publish answered it.
    #[arg(value_name = "msg_...")]
    id: String,
    #[command(flatten)]
    api: ApiArgs,
}

impl Messages {
    pub(crate) async fn run(self) -> Result<()> {
        let (method, message) = match self.action {
            Action::Get(message) => (Method::GET, message),
            Action::Cancel(message) => (Method::DELETE, message),
        };
        let cancel = method == Method::DELETE;
        let api = message.api.open()?;
        let answer = api.send(api.request(method, &with_segment("/v2/messages", &message.id))).await?;
        output::print(message.api.json, &answer, || {
            if cancel { format!("{} cancelled", message.id) } else { description(&answer) }
        })
    }
}

fn description(message: &Value) -> String {
    let field = |name: &str| text(&message[name]);
    [
        format!("{}  {}", field("messageId"), field("state")),
        format!("  to       {} {}", field("method"), field("url")),
        format!("  accepted {}", time(&message["createdAt"])),
        format!("  retries  {}", field("maxRetries")),
    ]
    .join("\n")
}
