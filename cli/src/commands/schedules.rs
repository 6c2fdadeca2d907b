//! `sigpost schedules list|show|create|pause|resume|delete`.

mod create;

use anyhow::Result;
use clap::{Args, Subcommand};
use sigpost_client::Client;
use sigpost_qstash::Schedule;

use crate::api_args::ApiArgs;
use crate::confirm::ConfirmArgs;
use crate::table::{Table, optional, text, time};

/// List, create, pause and delete schedules, which publish messages at the times of a cron expression.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost schedules create http://127.0.0.1:8080/api/jobs/cleanup --cron '0 3 * * *' --id cleanup --body '{\"retention\": 90}'
  sigpost schedules list
  sigpost schedules pause cleanup")]
pub(crate) struct Schedules {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all schedules with their next firing.
    List(ApiArgs),
    /// Show a schedule.
    Show(Named),
    Create(Box<create::Create>),
    /// Pause a schedule: it skips its firings.
    Pause(Named),
    /// Resume a schedule.
    Resume(Named),
    /// Delete a schedule. Messages that it has published are not affected.
    Delete(Delete),
}

#[derive(Debug, Args)]
struct Named {
    /// ID of the schedule.
    id: String,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Debug, Args)]
struct Delete {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl Schedules {
    pub(crate) async fn run(self) -> Result<()> {
        match self.action {
            Action::List(api) => api.print_list(Client::list_schedules, table).await,
            Action::Show(Named { id, api }) => {
                api.print(|api| api.get_schedule(&id), |schedule| description(&schedule)).await
            }
            Action::Create(create) => create.run().await,
            Action::Pause(Named { id, api }) => {
                api.print(|api| api.pause_schedule(&id), |_| format!("{id} is paused")).await
            }
            Action::Resume(Named { id, api }) => {
                api.print(|api| api.resume_schedule(&id), |_| format!("{id} is resumed")).await
            }
            Action::Delete(Delete { named: Named { id, api }, confirm }) => {
                confirm.confirm(&format!("Delete the schedule {id}?"))?;
                api.print(|api| api.delete_schedule(&id), |_| format!("{id} is deleted")).await
            }
        }
    }
}

fn state(schedule: &Schedule) -> &'static str {
    match (schedule.is_paused, &schedule.error) {
        (true, _) => "paused",
        (false, Some(_)) => "failing",
        (false, None) => "on",
    }
}

fn table(schedules: &[Schedule]) -> String {
    Table::new(["ID", "STATE", "CRON", "NEXT", "LAST", "DESTINATION"])
        .rows(schedules, |schedule| {
            let [id, cron, url] = [&schedule.schedule_id, &schedule.cron, &schedule.destination].map(text);
            let [next, last] = [schedule.next_schedule_time, schedule.last_schedule_time].map(time);
            [id, state(schedule).into(), cron, next, last, url]
        })
        .or("no schedules: `sigpost schedules create` creates one")
}

fn description(schedule: &Schedule) -> String {
    [
        format!("{}  {}", text(&schedule.schedule_id), state(schedule)),
        format!("  cron      {}", text(&schedule.cron)),
        format!("  to        {} {}", schedule.method, text(&schedule.destination)),
        format!("  created   {}", time(schedule.created_at)),
        format!("  next      {}", time(schedule.next_schedule_time)),
        format!("  last      {}", time(schedule.last_schedule_time)),
        format!("  retries   {}", schedule.retries),
        format!("  error     {}", optional(schedule.error.as_ref())),
    ]
    .join("\n")
}
