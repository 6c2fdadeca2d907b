//! `sigpost dlq list|show|retry|delete|redrive`.

mod delete;
mod filter;
mod list;
mod matching;
mod redrive;
mod retry;
mod show;

use std::collections::BTreeSet;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::output::counted;

/// List, show, retry, redrive and delete dead letters (messages that failed).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost dlq list --since 24h --status 500
  sigpost dlq show 1763800000123-42
  sigpost dlq retry 1763800000123-42 1763800000123-43
  sigpost dlq redrive --destination https://example.com/hook --rate 50/s
  sigpost dlq delete --until 30d")]
pub(crate) struct Dlq {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(Box<list::List>),
    Show(show::Show),
    Retry(retry::Retry),
    Delete(Box<delete::Delete>),
    Redrive(Box<redrive::Redrive>),
}

impl Dlq {
    pub(crate) async fn run(self) -> Result<()> {
        match self.action {
            Action::List(list) => list.run().await,
            Action::Show(show) => show.run().await,
            Action::Retry(retry) => retry.run().await,
            Action::Delete(delete) => delete.run().await,
            Action::Redrive(redrive) => redrive.run().await,
        }
    }
}

/// Distinct IDs of dead letters.
#[derive(Debug, Args)]
struct Letters {
    /// IDs of dead letters, as `sigpost dlq list` prints them.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

impl Letters {
    fn unique(&self) -> BTreeSet<&str> {
        self.ids.iter().map(String::as_str).collect()
    }
}

/// Formats a number of dead letters.
fn dead_letters(count: usize) -> String {
    counted(count, "dead letter")
}
