//! `sigpost schedules list|show|create|pause|resume|delete`.

mod create;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::api_client::ApiArgs;
use crate::confirm::ConfirmArgs;
use crate::table::{Table, text, time};

const PATH: &str = "/v2/schedules";

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
            Action::List(api) => api.list(PATH, table).await,
            Action::Show(Named { id, api }) => api.show(PATH, &id, description).await,
            Action::Create(create) => create.run().await,
            Action::Pause(Named { id, api }) => api.change(PATH, &id, "pause", &[], "is paused").await,
            Action::Resume(Named { id, api }) => api.change(PATH, &id, "resume", &[], "is resumed").await,
            Action::Delete(Delete { named: Named { id, api }, confirm }) => {
                confirm.confirm(&format!("Delete the schedule {id}?"))?;
                api.delete(PATH, &id, |_| String::new()).await
            }
        }
    }
}

fn state(schedule: &Value) -> String {
    match (schedule["isPaused"].as_bool(), schedule["error"].as_str()) {
        (Some(true), _) => "paused".into(),
        (_, Some(_)) => "failing".into(),
        _ => "on".into(),
    }
}

fn table(schedules: &[Value]) -> String {
    Table::new(["ID", "STATE", "CRON", "NEXT", "LAST", "DESTINATION"])
        .rows(schedules, |schedule| {
            let [id, cron, url] = ["scheduleId", "cron", "destination"].map(|name| text(&schedule[name]));
            let [next, last] = ["nextScheduleTime", "lastScheduleTime"].map(|name| time(&schedule[name]));
            [id, state(schedule), cron, next, last, url]
        })
        .or("no schedules: `sigpost schedules create` creates one")
}

fn description(schedule: &Value) -> String {
    let field = |name: &str| text(&schedule[name]);
    [
        format!("{}  {}", field("scheduleId"), state(schedule)),
        format!("  cron      {}", field("cron")),
        format!("  to        {} {}", field("method"), field("destination")),
        format!("  created   {}", time(&schedule["createdAt"])),
        format!("  next      {}", time(&schedule["nextScheduleTime"])),
        format!("  last      {}", time(&schedule["lastScheduleTime"])),
        format!("  retries   {}", field("retries")),
        format!("  error     {}", field("error")),
    ]
    .join("\n")
}
