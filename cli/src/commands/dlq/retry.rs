//! `sigpost dlq retry`.

use anyhow::{Result, ensure};
use clap::Args;
use reqwest::Method;

use super::{Letters, dead_letters};
use crate::api_client::ApiArgs;
use crate::output;
use crate::table::{Table, list, text};

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
        let api = self.api.open()?;
        let answer = api.send(api.request(Method::POST, "/v2/dlq/retry").json(&self.letters.body())).await?;
        let new = list(&answer["responses"]);
        output::print(self.api.json, &answer, || {
            Table::new(["NEW MESSAGE"]).rows(new, |one| [text(&one["messageId"])]).or("nothing was retried")
        })?;
        let asked = self.letters.unique().len();
        ensure!(new.len() == asked, "{} of {} were retried; the others do not exist", new.len(), dead_letters(asked));
        Ok(())
    }
}
