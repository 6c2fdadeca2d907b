//! What the admin API is asked about a window of time.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::api_client::{AdminArgs, UrlArgs, with_query};
use crate::output;

/// The window, whom to ask, and how to print.
#[derive(Debug, Args)]
pub(crate) struct WindowArgs {
    /// How far back to count what ended: 1m to 7d.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub(crate) window: String,
    #[command(flatten)]
    at: UrlArgs,
    #[command(flatten)]
    admin: AdminArgs,
    /// Print the API's answer as JSON.
    #[arg(long)]
    json: bool,
}

impl WindowArgs {
    /// Asks, and prints the answer, for people as this text.
    pub(crate) async fn ask(&self, path: &str, text: impl FnOnce(&Value) -> String) -> Result<()> {
        let path = with_query(path, &[("window", self.window.as_str().into())]);
        let answer = self.admin.open(&self.at)?.get(&path).await?;
        output::print(self.json, &answer, || text(&answer))
    }
}
