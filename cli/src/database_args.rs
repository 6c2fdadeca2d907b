//! Arguments of commands that connect to the database directly.

use anyhow::{Context, Result};
use clap::Args;
use sigpost_runtime::settings::DATABASE_URL;
use sigpost_store::{Database, url};

/// Database URL and output format.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// URL of the database. Prefer the environment variable: arguments are visible in the process list.
    #[arg(long, env = DATABASE_URL.name, hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl DatabaseArgs {
    /// Opens the database with a pool of one connection.
    pub(crate) fn open(&self) -> Result<Database> {
        Database::new(&url::complete_url(self.database_url.clone())?, 1).context("DATABASE_URL")
    }
}
