//! `sigpost doctor`: the checklists of production, run against a live deployment.
//!
//! `items` is the list of what is looked at. An item's check gathers facts (SQL is in the store's
//! `diagnosis`) and has a pure function judge them. `checklist.tsv` lists their sources.

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

use self::finding::{Finding, State};
use self::items::{ITEMS, Item};
use self::report::Examined;
use self::subject::{NoDatabase, Subject};
use crate::output;

/// The item that says whether the database answers.
const DATABASE: &str = "database-reachable";
/// The item that says whether the schema is there.
const MIGRATIONS: &str = "migrations";

/// Examine a live deployment: its database, its settings, its API.
///
/// Reads the environment as `sigpost serve` does, so run it where that runs. It changes nothing and sends no
/// message. Exits with 1 if an item failed; warnings are only said.
#[derive(Debug, Args)]
#[command(after_help = "Environment: as `sigpost serve` reads it (`sigpost config check` shows it), and
  QSTASH_URL                     where the API is reached, as --url
  SLACK_WEBHOOK_URL, PAGERDUTY_ROUTING_KEY, PAGERDUTY_URL, ALERT_EMAIL_TO
                                 whom alerts go to; nobody is sent anything
  BASE_URL, JOB_URLS             where the handlers are, as applications have them
  NO_COLOR                       no colours")]
pub(crate) struct Doctor {
    /// Where the API is reached from outside, for the items that talk to it.
    #[arg(long, env = "QSTASH_URL", value_name = "URL")]
    url: Option<String>,
    /// Only these items.
    #[arg(long, value_delimiter = ',', value_name = "ID,..", hide_possible_values = true,
          value_parser = PossibleValuesParser::new(ITEMS.iter().map(|item| item.id)))]
    only: Vec<String>,
    /// List the items instead.
    #[arg(long)]
    list: bool,
    /// As JSON.
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

/// An item whose facts could not be gathered has failed, unless an earlier one has said why.
fn unchecked(why: &anyhow::Error, examined: &[Examined]) -> Finding {
    let said = |id: &str| examined.iter().any(|item| item.id == id && item.finding.state == State::Failed);
    if why.is::<NoDatabase>() && said(DATABASE) {
        return Finding::skipped(format!("the database does not answer: see `{DATABASE}`"));
    }
    if said(MIGRATIONS) {
        return Finding::skipped(format!("it needs the schema, see `{MIGRATIONS}`: {why:#}"));
    }
    Finding::failed("-", format!("it cannot be checked: {why:#}"), "see to the cause, then ask again")
}
