//! `sigpost version`.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::output;

/// Print the version.
#[derive(Debug, Args)]
pub(crate) struct Version {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Version {
    pub(crate) fn run(self) -> Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        output::print(self.json, &json!({ "version": version }), || format!("sigpost {version}"))
    }
}
