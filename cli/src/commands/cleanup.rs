//! `sigpost cleanup`.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use sigpost_qstash::parse_duration;
use sigpost_store::retention::{Ages, Deleted, delete_older_than};

use crate::confirm::ConfirmArgs;
use crate::database_args::DatabaseArgs;
use crate::output;
use crate::progress::Progress;
use crate::table::Table;

/// Minimum of `--older-than`.
const SHORTEST: Duration = Duration::from_secs(86_400);

/// Delete messages, dead letters, runs, events and records of handlers that are older than a given age.
///
/// Deletes the same rows as the job `cleanup-old-data`, without its time limit of ten minutes. Activity logs are
/// kept for at least a year. Each statement is short, so the command can run while sigpost serves. If it is
/// interrupted, run it again: it deletes the remaining rows.
#[derive(Debug, Args)]
#[command(after_help = "Example: DATABASE_URL=postgres://... sigpost cleanup --older-than 90d")]
pub(crate) struct Cleanup {
    /// Minimum age of deleted rows, `1d` or more, e.g. `90d`.
    #[arg(long, value_name = "DURATION", value_parser = age)]
    older_than: Duration,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl Cleanup {
    pub(crate) async fn run(self) -> Result<()> {
        let days = self.older_than.as_secs_f64() / 86_400.0;
        self.confirm.confirm(&format!("Delete messages, runs and events that ended more than {days:.0} days ago?"))?;
        let mut progress = Progress::unknown();
        progress.now(|| "searching old rows".into());
        let database = self.database.open()?;
        let deleted =
            delete_older_than(&database, Ages::of(self.older_than), |deleted| progress.now(|| so_far(deleted)))
                .await
                .context("cleanup stopped early; run the same command again to delete the remaining rows")?;
        drop(progress);
        output::print(self.database.json, &deleted, || table(&deleted))
    }
}

fn age(text: &str) -> Result<Duration, String> {
    let age = parse_duration("older-than", text).map_err(|why| why.to_string())?;
    if age < SHORTEST { Err("must be 1d or more".into()) } else { Ok(age) }
}

fn so_far(deleted: &Deleted) -> String {
    format!("deleted so far: {} messages, {} runs, {} events", deleted.messages, deleted.runs, deleted.events)
}

fn table(deleted: &Deleted) -> String {
    Table::new(["DELETED", "COUNT"])
        .rows(
            [
                ("messages", deleted.messages),
                ("dead letters", deleted.dead_letters),
                ("runs", deleted.runs),
                ("side effects", deleted.effects),
                ("event partitions", deleted.event_partitions),
                ("other events", deleted.events),
                ("deduplication IDs", deleted.deduplications),
                ("e-mail logs", deleted.email_logs),
                ("notifications", deleted.notifications),
                ("activity logs", deleted.activity_logs),
                ("Stripe events", deleted.stripe_events),
                ("resolved alerts", deleted.alerts),
                ("flow-control keys", deleted.flow_control_keys),
            ],
            |(what, count)| [what.into(), count.to_string()],
        )
        .draw()
}
