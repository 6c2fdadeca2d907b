//! `sigpost queues list|show|set|pause|resume|delete`.

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_client::{ApiArgs, Refused, with_segment};
use crate::confirm::ConfirmArgs;
use crate::output::{self, counted};
use crate::table::{Table, text, time};

const PATH: &str = "/v2/queues";

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
            Action::List(api) => api.list(PATH, table).await,
            Action::Show(Named { name, api }) => {
                api.show(PATH, &name, |queue| table(std::slice::from_ref(queue))).await
            }
            Action::Set(set) => set.run().await,
            Action::Pause(Named { name, api }) => api.change(PATH, &name, "pause", &[], "is paused").await,
            Action::Resume(Named { name, api }) => api.change(PATH, &name, "resume", &[], "is resumed").await,
            Action::Delete(Delete { named: Named { name, api }, confirm }) => {
                confirm.confirm(&format!("Delete the queue {name} and cancel its messages?"))?;
                let cancelled = |answer: &Value| counted(answer["cancelled"].as_i64().unwrap_or_default(), "message");
                api.delete(PATH, &name, |answer| format!(", and {} cancelled", cancelled(answer))).await
            }
        }
    }
}

impl Set {
    /// Sets the parallelism and keeps the pause: the API replaces all settings of a queue.
    async fn run(self) -> Result<()> {
        let Self { named: Named { name, api: args }, parallelism } = self;
        let api = args.open()?;
        let paused = match api.get(&with_segment(PATH, &name)).await {
            Ok(queue) => queue["paused"].as_bool().unwrap_or(false),
            Err(error) => match error.downcast_ref::<Refused>() {
                Some(refused) if refused.status == StatusCode::NOT_FOUND => false,
                _ => return Err(error),
            },
        };
        let settings = json!({ "queueName": name, "parallelism": parallelism, "paused": paused });
        let answer = api.send(api.request(Method::POST, PATH).json(&settings)).await?;
        output::print(args.json, &answer, || format!("{name} has parallelism {parallelism}"))
    }
}

fn table(queues: &[Value]) -> String {
    Table::new(["QUEUE", "STATE", "PARALLELISM", "LAG", "CHANGED"])
        .rows(queues, |queue| {
            let state = if queue["paused"] == true { "paused" } else { "on" };
            let [name, parallelism, lag] = ["name", "parallelism", "lag"].map(|name| text(&queue[name]));
            [name, state.into(), parallelism, lag, time(&queue["updatedAt"])]
        })
        .or("no queues: `sigpost queues set` or the first message of a queue creates it")
}
