//! Postgres of a campaign. Faults kill, stop and restart it on the same data.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sigpost_dev_postgres::{DataDir, Durability, Options, Server};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};

use crate::process::signal;
use crate::proxy::Target;

pub(crate) const DATABASE: &str = "chaos";

/// Maximum connections. Each process has eight.
const MAX_CONNECTIONS: &str = "36";
/// Timeout of a start: after a kill it fails until all processes of Postgres have ended.
const START: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);

pub(crate) struct Postgres {
    options: Options,
    server: Option<Server>,
    target: Target,
}

impl Postgres {
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = Options {
            data_dir: DataDir::Kept(folder.join("postgres")),
            durability: Durability::Fast,
            // Commits survive a crash of Postgres, not of the machine.
            settings: vec![
                setting("synchronous_commit", "on"),
                setting("full_page_writes", "on"),
                setting("max_connections", MAX_CONNECTIONS),
            ],
        };
        let mut postgres = Self { options, server: None, target: Arc::new(AtomicU16::new(0)) };
        postgres.start_again().await?;
        Ok(postgres)
    }

    pub(crate) fn target(&self) -> Target {
        Arc::clone(&self.target)
    }

    pub(crate) fn url(&self, database: &str) -> Result<String> {
        Ok(self.server.as_ref().context("Postgres is stopped")?.url(database))
    }

    /// Opens a superuser connection of the tool, without the settings of faults.
    pub(crate) async fn client(&self) -> Result<Client> {
        let url = self.url(DATABASE)?;
        let (client, connection) = timeout(CONNECT, tokio_postgres::connect(&url, NoTls))
            .await
            .context("no connection to Postgres within the timeout")??;
        tokio::spawn(connection);
        client
            .batch_execute(
                "set application_name = 'chaos'; set statement_timeout = 0; set lc_messages = 'C';
                 set default_transaction_read_only = off; set lock_timeout = '10s'",
            )
            .await?;
        Ok(client)
    }

    /// Starts Postgres and waits until it accepts connections.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            let options = self.options.clone();
            match spawn_blocking(|| Server::start(options, &mut |_| {})).await? {
                Ok(server) => {
                    self.target.store(server.port(), Ordering::Relaxed);
                    self.server = Some(server);
                    return Ok(());
                }
                Err(error) if Instant::now() >= deadline => bail!("Postgres does not start: {error}"),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Stops Postgres with a signal: `KILL`, `QUIT` for an immediate shutdown, `INT` for a fast shutdown.
    pub(crate) async fn end(&mut self, name: &str) -> Result<()> {
        let Some(server) = self.server.take() else { return Ok(()) };
        signal(server.pid(), name).await?;
        // Waits until it has ended.
        spawn_blocking(|| drop(server)).await?;
        Ok(())
    }
}
