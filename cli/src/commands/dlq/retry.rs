//! `sigpost dlq retry`.

use anyhow::{Result, ensure};
use clap::Args;

use super::{Letters, dead_letters};
use crate::api_args::ApiArgs;
use crate::output;
use crate::table::Table;

/// Publish the messages of dead letters again, with new IDs, and delete the dead letters.
#[derive(Debug, Args)]
#[command(after_help = "Example: sigpost dlq retry 1763800000123-42 1763800000123-43
To retry many at a limited rate, use `sigpost dlq redrive`.")]
pub(super) struct Retry {
    #[command(flatten)]
    letters: Letters,
    #[command(flatten)]
    api: ApiArgs,
}

impl Retry {
    pub(super) async fn run(self) -> Result<()> {
        let ids = self.letters.unique();
        let response = self.api.open()?.retry_dead_letters_by_id(ids.iter().copied()).response().await?;
        let new = response.read()?.responses;
        output::print(self.api.json, &response.json()?, || {
            Table::new(["NEW MESSAGE"]).rows(&new, |one| [one.message_id.to_string()]).or("nothing was retried")
        })?;
        let asked = ids.len();
        ensure!(new.len() == asked, "{} of {} were retried; the others do not exist", new.len(), dead_letters(asked));
        Ok(())
    }
}
