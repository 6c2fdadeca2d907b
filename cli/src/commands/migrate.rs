//! `sigpost migrate`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::json;
use sigpost_store::migrate::{self, Step};

use crate::confirm::ConfirmArgs;
use crate::database_args::DatabaseArgs;
use crate::output::{self, counted};
use crate::progress::Progress;

/// Apply pending migrations to a database.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  DATABASE_URL=postgres://... sigpost migrate
  DATABASE_URL=postgres://... sigpost migrate status")]
pub(crate) struct Migrate {
    #[command(subcommand)]
    action: Option<Action>,
    /// Revert the newest N migrations instead (1 without a number), after a confirmation. The data in their tables
    /// and columns is lost.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1")]
    revert: Option<usize>,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the migrations and whether they are applied. Exits with 1 if some are missing.
    Status(DatabaseArgs),
}

impl Migrate {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        if let Some(Action::Status(args)) = self.action {
            return status(&args).await;
        }
        let database = self.database.open()?;
        let (verb, names) = match self.revert {
            Some(count) => {
                let question = "Data in reverted tables and columns is lost. Revert";
                self.confirm.confirm(&format!("{question} {}?", counted(count, "migration")))?;
                let done = migrate::down_with(&database, count, progress("reverting")).await;
                ("reverted", done.context("migrate --revert")?)
            }
            None => ("applied", migrate::up_with(&database, progress("applying")).await.context("migrate")?),
        };
        output::print(self.database.json, &json!({ verb: names }), || match names.len() {
            0 => format!("0 migrations {verb}"),
            _ => names.iter().map(|name| format!("{verb} {name}")).collect::<Vec<_>>().join("\n"),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints which migration runs: one on a large table can take long. The first one waits for other processes that
/// migrate.
fn progress(doing: &'static str) -> impl FnMut(Step<'_>) + Send + 'static {
    let mut progress = Progress::unknown();
    progress.now(|| "waiting for the database".into());
    move |Step { name, number, of }| progress.step(format!("{doing} {name} ({number} of {of})"))
}

async fn status(args: &DatabaseArgs) -> Result<ExitCode> {
    let migrations = migrate::status(&args.open()?).await.context("migrate status")?;
    output::print(args.json, &migrations, || {
        let line = |m: &migrate::Status| format!("{} {}", if m.applied { "applied" } else { "missing" }, m.name);
        migrations.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    let complete = migrations.iter().all(|migration| migration.applied);
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
