//! `sigpost messages get|cancel`.

use anyhow::Result;
use clap::{Args, Subcommand};
use sigpost_qstash::{self as wire, EventState};

use crate::api_args::ApiArgs;
use crate::confirm::ConfirmArgs;
use crate::table::{optional, text, time};

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
                api.print(|api| api.get_message(&id), |message| description(&message)).await
            }
            Action::Cancel(Cancel { message: Message { id, api }, confirm }) => {
                confirm.confirm(&format!("Cancel the message {id}?"))?;
                api.print(|api| api.cancel_message(&id), |_| format!("{id} cancelled")).await
            }
        }
    }
}

fn description(message: &wire::Message) -> String {
    [
        format!("{}  {}", message.message_id, optional(message.state.map(EventState::as_str))),
        format!("  to       {} {}", message.method, text(&message.url)),
        format!("  accepted {}", time(message.created_at)),
        format!("  retries  {}", message.max_retries),
    ]
    .join("\n")
}
