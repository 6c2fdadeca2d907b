//! Arguments of commands that request metrics of a time window from the admin API.

use anyhow::Result;
use clap::Args;
use serde::de::DeserializeOwned;
use sigpost_client::{AdminClient, Call};

use crate::api_args::{AdminArgs, UrlArgs};
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
    pub(crate) async fn print<T: DeserializeOwned>(
        &self,
        call: impl FnOnce(&AdminClient, Option<&str>) -> Call<T>,
        text: impl FnOnce(T) -> String,
    ) -> Result<()> {
        let call = call(&self.admin.open(&self.at)?, Some(&self.window));
        output::response(self.json, call, text).await
    }
}
