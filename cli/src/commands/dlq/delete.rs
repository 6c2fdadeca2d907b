//! `sigpost dlq delete`.

use anyhow::{Result, ensure};
use clap::Args;
use reqwest::Method;

use super::{Letters, dead_letters};
use crate::api_client::ApiArgs;
use crate::confirm::ConfirmArgs;
use crate::output;

/// Delete dead letters: their messages are not delivered any more.
#[derive(Debug, Args)]
#[command(after_help = "Example: sigpost dlq delete 1763800000123-42 --yes")]
pub(super) struct Delete {
    #[command(flatten)]
    letters: Letters,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    api: ApiArgs,
}

impl Delete {
    pub(super) async fn run(self) -> Result<()> {
        let asked = self.letters.unique().len();
        self.confirm.confirm(&format!("Delete {} for good?", dead_letters(asked)))?;
        let api = self.api.open()?;
        let answer = api.send(api.request(Method::DELETE, "/v2/dlq").json(&self.letters.body())).await?;
        let deleted = answer["deleted"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        output::print(self.api.json, &answer, || format!("{} deleted", dead_letters(deleted)))?;
        ensure!(deleted == asked, "{deleted} of {} were deleted; the others are not there", dead_letters(asked));
        Ok(())
    }
}
