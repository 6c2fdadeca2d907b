//! `sigpost stats`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::table::{Table, list, seconds, text};
use crate::window_args::WindowArgs;

/// Show pending messages by destination and queue, and messages that ended in a time window.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost stats
  sigpost stats --window 1h --json")]
pub(crate) struct Stats {
    #[command(flatten)]
    asked: WindowArgs,
}

const OPEN: [&str; 4] = ["due", "scheduled", "waiting", "active"];

impl Stats {
    pub(crate) async fn run(self) -> Result<()> {
        self.asked.ask("/api/admin/stats", |stats| self.description(stats)).await
    }

    fn description(&self, stats: &Value) -> String {
        let [due, scheduled, waiting, active] = OPEN.map(|name| text(&stats[name]));
        let open = Table::new(["PENDING", "DUE", "SCHEDULED", "BLOCKED", "IN FLIGHT", "OLDEST DUE AGE"]).row([
            "all".into(),
            due,
            scheduled,
            waiting,
            active,
            seconds(&stats["oldestDueSeconds"]),
        ]);
        let [accepted, delivered, errors, failed, canceled] =
            ["accepted", "delivered", "errors", "failed", "canceled"].map(|name| text(&stats[name]));
        let ended = Table::new(["IN THE LAST", "ACCEPTED", "DELIVERED", "ERRORS", "FAILED", "CANCELED"]).row([
            self.asked.window.clone(),
            accepted,
            delivered,
            errors,
            failed,
            canceled,
        ]);
        let by_destination =
            open_of("DESTINATION", list(&stats["byDestination"])).or("by destination: no pending messages");
        let by_queue = open_of("QUEUE", list(&stats["byQueue"])).or("by queue: no pending messages");
        [open.draw(), ended.draw(), by_destination, by_queue].join("\n\n")
    }
}

fn open_of(what: &str, rows: &[Value]) -> Table {
    Table::new([what, "DUE", "SCHEDULED", "BLOCKED", "IN FLIGHT", "OLDEST DUE AGE"]).rows(rows, |row| {
        let [due, scheduled, waiting, active] = OPEN.map(|name| text(&row[name]));
        [text(&row["name"]), due, scheduled, waiting, active, seconds(&row["oldestDueSeconds"])]
    })
}
