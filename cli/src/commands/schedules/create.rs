//! `sigpost schedules create`.

use anyhow::Result;
use clap::Args;
use sigpost_client::{Client, NewSchedule, destination};

use crate::api_args::ApiArgs;
use crate::message_args::MessageArgs;
use crate::table::text;

/// Create a schedule, or replace the one with the same ID.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost schedules create https://example.com/report --cron '0 8 * * 1'
  sigpost schedules create https://example.com/poll --cron 'CRON_TZ=Europe/Berlin */10 * * * * *' --id poll")]
pub(super) struct Create {
    /// Destination of its messages: a URL, or the name of a URL group.
    #[arg(value_parser = destination)]
    destination: String,
    /// Cron expression: five fields, or six with seconds first; `CRON_TZ=Europe/Berlin` before them for a time zone.
    #[arg(long, value_name = "EXPRESSION")]
    cron: String,
    /// ID of the schedule. A schedule with the same ID is replaced.
    #[arg(long)]
    id: Option<String>,
    /// Queue of its messages.
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Missed firings that are published later: none, last (the default) or all.
    #[arg(long, value_name = "WHICH", value_parser = ["none", "last", "all"])]
    catch_up: Option<String>,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    api: ApiArgs,
}

impl Create {
    pub(super) async fn run(self) -> Result<()> {
        let schedule = NewSchedule {
            cron: self.cron,
            id: self.id,
            queue: self.queue,
            catch_up: self.catch_up,
            message: self.message.message()?,
        };
        let create = |api: &Client| api.create_schedule(&self.destination, &schedule);
        self.api.print(create, |created| text(&created.schedule_id)).await
    }
}
