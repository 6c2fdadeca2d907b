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

/// What is younger than a day is not old.
const SHORTEST: Duration = Duration::from_secs(86_400);

/// Delete what ended so long ago, as the job `cleanup-old-data` does: messages with their dead letters, runs,
/// events, and what handlers have written; activity logs after a year at least.
///
/// For tables that have grown too large for the job's ten minutes. It works in short statements beside
/// everybody else, and may be broken off and started again.
#[derive(Debug, Args)]
#[command(after_help = "Example: DATABASE_URL=postgres://... sigpost cleanup --older-than 90d")]
pub(crate) struct Cleanup {
    /// How long ago it ended, a day or more, e.g. `90d`.
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
        self.confirm.confirm(&format!("Delete what ended more than {days:.0} days ago?"))?;
        let mut progress = Progress::unknown();
        progress.now(|| "looking".into());
        let database = self.database.open()?;
        let deleted =
            delete_older_than(&database, Ages::of(self.older_than), |deleted| progress.now(|| so_far(deleted)))
                .await
                .context("what was deleted so far stays deleted; the same command goes on")?;
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
                ("effects", deleted.effects),
                ("days of events", deleted.event_partitions),
                ("other events", deleted.events),
                ("deduplication keys", deleted.deduplications),
                ("logs of e-mails", deleted.email_logs),
                ("notifications", deleted.notifications),
                ("activity logs", deleted.activity_logs),
                ("events of Stripe", deleted.stripe_events),
                ("alerts that are over", deleted.alerts),
                ("flow-control keys", deleted.flow_control_keys),
            ],
            |(what, count)| [what.into(), count.to_string()],
        )
        .draw()
}
