//! `sigpost doctor`: checks a live deployment against the production checklist.
//!
//! `items` lists the checks. A check gathers facts (its SQL is in the store's `diagnosis`), and a pure function judges
//! them. `checklist.tsv` lists the sources of the items.

mod alerts;
mod backups;
#[cfg(test)]
mod checklist;
mod database;
mod finding;
mod handlers;
mod items;
mod jobs;
mod keys;
mod leases;
mod network;
mod report;
mod retention;
mod schedules;
mod schema;
mod settings;
mod subject;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;
use sigpost_runtime::settings::QSTASH_URL;

use self::finding::{Finding, State};
use self::items::{ITEMS, Item};
use self::report::Examined;
use self::subject::{NoDatabase, Subject};
use crate::output;

/// Item that checks the connection to the database.
const DATABASE: &str = "database-reachable";
/// Item that checks the schema version.
const MIGRATIONS: &str = "migrations";

/// Check a live deployment: its settings, database, processes, API, schedules and alerts.
///
/// It reads the same environment as `sigpost serve`; run it there. It changes nothing and sends no messages or
/// alerts. Exits with 1 if an item failed. Warnings do not change the exit code.
#[derive(Debug, Args)]
#[command(after_help = "Environment: the settings of `sigpost serve` (`sigpost config check` lists them), and
  QSTASH_URL                     URL of the API, as for --url
  SLACK_WEBHOOK_URL, PAGERDUTY_ROUTING_KEY, PAGERDUTY_URL, ALERT_EMAIL_TO
                                 alert channels; no alert is sent
  BASE_URL, JOB_URLS             URLs of the handlers, as in applications
  NO_COLOR                       disables colors")]
pub(crate) struct Doctor {
    /// URL at which the API is reached from outside, for the items that check the API.
    #[arg(long, env = QSTASH_URL.name, value_name = "URL")]
    url: Option<String>,
    /// Check these items only. --list prints the IDs.
    #[arg(long, value_delimiter = ',', value_name = "ID,..", hide_possible_values = true,
          value_parser = PossibleValuesParser::new(ITEMS.iter().map(|item| item.id)))]
    only: Vec<String>,
    /// List the items and check nothing.
    #[arg(long)]
    list: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let wanted = |item: &&Item| self.only.is_empty() || self.only.iter().any(|id| id == item.id);
        let items: Vec<&Item> = ITEMS.iter().filter(wanted).collect();
        if self.list {
            let listed: Vec<_> = items.iter().map(|item| json!({ "id": item.id, "title": item.title })).collect();
            output::print(self.json, &listed, || report::list(&items))?;
            return Ok(ExitCode::SUCCESS);
        }
        let subject = Subject::new(self.url.as_deref()).await?;
        let mut examined: Vec<Examined> = Vec::with_capacity(items.len());
        for item in items {
            let finding = (item.check)(&subject).await.unwrap_or_else(|why| unchecked(&why, &examined));
            examined.push(Examined { id: item.id, title: item.title, finding });
        }
        let summary = report::Summary::of(&examined);
        output::print(self.json, &json!({ "items": examined, "summary": summary }), || {
            report::text(&examined, &summary, report::is_coloured())
        })?;
        Ok(if summary.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Returns the finding of an item whose check returned an error: failed, or skipped if an earlier item reports the cause.
fn unchecked(why: &anyhow::Error, examined: &[Examined]) -> Finding {
    let said = |id: &str| examined.iter().any(|item| item.id == id && item.finding.state == State::Failed);
    if why.is::<NoDatabase>() && said(DATABASE) {
        return Finding::skipped(format!("no connection to the database: see `{DATABASE}`"));
    }
    if said(MIGRATIONS) {
        return Finding::skipped(format!("requires the schema, see `{MIGRATIONS}`: {why:#}"));
    }
    Finding::failed("-", format!("cannot be checked: {why:#}"), "fix the cause and run this item again")
}
