//! Database of `sigpost dev`: an embedded Postgres or an existing database.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use sigpost_dev_postgres::{DataDir, Durability, Options, Server};
use sigpost_store::{Database, database, messages, migrate};

use crate::output::counted;

const NAME: &str = "sigpost";

/// A database with the schema applied.
pub(super) struct DevDatabase {
    url: String,
    is_new: bool,
    server: Option<Server>,
}

impl DevDatabase {
    /// Starts an embedded Postgres with its data in this folder, which is created if it is missing.
    pub(super) async fn embedded(data_dir: PathBuf) -> Result<Self> {
        let started = Instant::now();
        let server = tokio::task::spawn_blocking(move || {
            let options =
                Options { data_dir: DataDir::Kept(data_dir), durability: Durability::Durable, settings: Vec::new() };
            Server::start(options, &mut |line| println!("postgres: {line}"))
        })
        .await?
        .context("the embedded Postgres cannot start")?;
        println!("postgres: {} runs on port {}, {} ms", server.version(), server.port(), started.elapsed().as_millis());
        database::create(&server.url("postgres"), NAME, None).await?;
        let url = server.url(NAME);
        Ok(Self { server: Some(server), ..Self::existing(&url).await? })
    }

    /// Uses an existing database.
    pub(super) async fn existing(url: &str) -> Result<Self> {
        let database = Database::new(url, 1)?;
        let applied = migrate::up(&database).await.context("the schema cannot be applied")?;
        if !applied.is_empty() {
            println!("postgres: {} applied", counted(applied.len(), "migration"));
        }
        let is_new = !messages::any(&mut *database.connection().await?).await?;
        Ok(Self { url: url.to_owned(), is_new, server: None })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whether the database has no messages.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(super) async fn stop(self) -> Result<()> {
        if let Some(mut server) = self.server {
            tokio::task::spawn_blocking(move || server.stop()).await?.context("the embedded Postgres cannot stop")?;
        }
        Ok(())
    }
}
