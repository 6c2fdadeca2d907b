//! Working on a database directly, without a server in between.

use anyhow::{Context, Result};
use clap::Args;
use sigpost_store::{Database, url};

/// Which database, and how to print.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// The database. It is taken from the environment so that no password shows in the process list.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl DatabaseArgs {
    /// The database, with one connection at most.
    pub(crate) fn open(&self) -> Result<Database> {
        Database::new(&url::complete_url(self.database_url.clone())?, 1).context("DATABASE_URL")
    }
}
