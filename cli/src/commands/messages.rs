//! `sigpost messages get|cancel`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::api_client::{ApiArgs, with_segment};
use crate::confirm::ConfirmArgs;
use crate::output;
use crate::table::{text, time};

const PATH: &str = "/v2/messages";

/// Show or cancel a message.
#[derive(Debug, Args)]
pub(crate) struct Messages {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the destination and state of a message.
    Get(Message),
    /// Cancel a message that is scheduled, due, blocked or in flight.
    Cancel(Cancel),
}

#[derive(Debug, Args)]
struct Message {
    /// ID of the message, from the response to its publish.
    #[arg(value_name = "msg_...")]
    id: String,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Debug, Args)]
struct Cancel {
    #[command(flatten)]
    message: Message,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl Messages {
    pub(crate) async fn run(self) -> Result<()> {
        match self.action {
            Action::Get(Message { id, api }) => {
                let message = api.open()?.get(&with_segment(PATH, &id)).await?;
                output::print(api.json, &message, || description(&message))
            }
            Action::Cancel(Cancel { message: Message { id, api }, confirm }) => {
                confirm.confirm(&format!("Cancel the message {id}?"))?;
                let cancelled = api.open()?.delete(&with_segment(PATH, &id)).await?;
                output::print(api.json, &cancelled, || format!("{id} cancelled"))
            }
        }
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
