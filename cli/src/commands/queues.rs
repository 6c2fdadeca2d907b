//! `sigpost queues list|show|set|pause|resume|delete`.

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::StatusCode;
use sigpost_client::Client;
use sigpost_qstash::{Cancelled, Queue, UpsertQueue};

use crate::api_args::ApiArgs;
use crate::confirm::ConfirmArgs;
use crate::output::counted;
use crate::table::{Table, text, time};

/// List, configure, pause and delete queues, which limit the messages in flight.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost queues list
  sigpost queues set invoices --parallelism 5
  sigpost queues pause invoices")]
pub(crate) struct Queues {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all queues with their backlog.
    List(ApiArgs),
    /// Show a queue.
    Show(Named),
    /// Set the parallelism of a queue. Creates the queue if it does not exist.
    Set(Set),
    /// Pause a queue: it accepts messages and starts no attempts.
    Pause(Named),
    /// Resume a queue.
    Resume(Named),
    /// Delete a queue and cancel its messages.
    Delete(Delete),
}

#[derive(Debug, Args)]
struct Named {
    /// Name of the queue.
    name: String,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Debug, Args)]
struct Set {
    #[command(flatten)]
    named: Named,
    /// Maximum number of messages in flight, 1 or more.
    #[arg(long, value_name = "N")]
    parallelism: u32,
}

#[derive(Debug, Args)]
struct Delete {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl Queues {
    pub(crate) async fn run(self) -> Result<()> {
        match self.action {
            Action::List(api) => api.print_list(Client::list_queues, table).await,
            Action::Show(Named { name, api }) => {
                api.print(|api| api.get_queue(&name), |queue| table(std::slice::from_ref(&queue))).await
            }
            Action::Set(set) => set.run().await,
            Action::Pause(Named { name, api }) => {
                api.print(|api| api.pause_queue(&name), |_| format!("{name} is paused")).await
            }
            Action::Resume(Named { name, api }) => {
                api.print(|api| api.resume_queue(&name), |_| format!("{name} is resumed")).await
            }
            Action::Delete(Delete { named: Named { name, api }, confirm }) => {
                confirm.confirm(&format!("Delete the queue {name} and cancel its messages?"))?;
                let text = |cancelled| format!("{name} is deleted, and {} cancelled", counted(cancelled, "message"));
                api.print(|api| api.delete_queue(&name), |Cancelled { cancelled }| text(cancelled)).await
            }
        }
    }
}

impl Set {
    /// Sets the parallelism and keeps the pause: the API replaces all settings of a queue.
    async fn run(self) -> Result<()> {
        let Self { named: Named { name, api }, parallelism } = self;
        let paused = match api.open()?.get_queue(&name).await {
            Ok(queue) => queue.paused,
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => false,
            Err(error) => return Err(error.into()),
        };
        let settings = UpsertQueue { queue_name: name, parallelism, paused };
        let done = |_| format!("{} has parallelism {parallelism}", settings.queue_name);
        api.print(|api| api.upsert_queue(&settings), done).await
    }
}

fn table(queues: &[Queue]) -> String {
    Table::new(["QUEUE", "STATE", "PARALLELISM", "LAG", "CHANGED"])
        .rows(queues, |queue| {
            let state = if queue.paused { "paused" } else { "on" };
            let (parallelism, lag) = (queue.parallelism.to_string(), queue.lag.to_string());
            [text(&queue.name), state.into(), parallelism, lag, time(queue.updated_at)]
        })
        .or("no queues: `sigpost queues set` or the first message of a queue creates it")
}
