//! Arguments of commands that request metrics of a time window from the admin API.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::api_client::{AdminArgs, UrlArgs, with_query};
use crate::output;

/// Time window, admin API and output format.
#[derive(Debug, Args)]
pub(crate) struct WindowArgs {
    /// How far back to count ended messages and runs: 1m to 7d.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub(crate) window: String,
    #[command(flatten)]
    at: UrlArgs,
    #[command(flatten)]
    admin: AdminArgs,
    /// Print the response of the API as JSON.
    #[arg(long)]
    json: bool,
}

impl WindowArgs {
    /// Sends the request and prints the response, formatted by `text` unless `--json` is given.
    pub(crate) async fn ask(&self, path: &str, text: impl FnOnce(&Value) -> String) -> Result<()> {
        let path = with_query(path, &[("window", self.window.as_str().into())]);
        let answer = self.admin.open(&self.at)?.get(&path).await?;
        output::print(self.json, &answer, || text(&answer))
    }
}
