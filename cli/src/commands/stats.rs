//! `sigpost stats`.

use anyhow::Result;
use clap::Args;
use sigpost_client::AdminClient;
use sigpost_qstash::admin::{self, Messages, Open, OpenOf};

use crate::table::{Table, seconds, text};
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

impl Stats {
    pub(crate) async fn run(self) -> Result<()> {
        self.asked.print(AdminClient::get_stats, |stats| self.description(&stats)).await
    }

    fn description(&self, stats: &admin::Stats) -> String {
        let pending = Table::new(["PENDING", "DUE", "SCHEDULED", "BLOCKED", "IN FLIGHT", "OLDEST DUE AGE"])
            .row(row("all", &stats.open));
        let Messages { accepted, delivered, errors, failed, canceled } = stats.messages;
        let [accepted, delivered, errors, failed, canceled] =
            [accepted, delivered, errors, failed, canceled].map(|count| count.to_string());
        let ended = Table::new(["IN THE LAST", "ACCEPTED", "DELIVERED", "ERRORS", "FAILED", "CANCELED"]).row([
            self.asked.window.clone(),
            accepted,
            delivered,
            errors,
            failed,
            canceled,
        ]);
        let by_destination = open_of("DESTINATION", &stats.by_destination).or("by destination: no pending messages");
        let by_queue = open_of("QUEUE", &stats.by_queue).or("by queue: no pending messages");
        [pending.draw(), ended.draw(), by_destination, by_queue].join("\n\n")
    }
}

fn open_of(what: &str, rows: &[OpenOf]) -> Table {
    Table::new([what, "DUE", "SCHEDULED", "BLOCKED", "IN FLIGHT", "OLDEST DUE AGE"])
        .rows(rows, |OpenOf { name, open }| row(name, open))
}

fn row(name: &str, open: &Open) -> [String; 6] {
    let [due, scheduled, waiting, active] =
        [open.due, open.scheduled, open.waiting, open.active].map(|count| count.to_string());
    [text(name), due, scheduled, waiting, active, seconds(open.oldest_due_s)]
}
