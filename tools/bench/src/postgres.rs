//! Postgres of the bench: embedded and durable, with a new database for every measurement.

use std::cell::Cell;

use anyhow::{Context, Result, ensure};
use sigpost_dev_postgres::{DataDir, Durability, Options, Server};
use sigpost_store::{Database, database, migrate};
use tokio_postgres::{Client, NoTls};

const TEMPLATE: &str = "sigpost_template";

/// Running Postgres. Stopped on drop.
pub(crate) struct Postgres {
    server: Server,
    admin: Client,
    databases: Cell<u32>,
}

impl Postgres {
    /// Starts Postgres with these settings in addition to its defaults, and creates the template of all databases.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = Options { data_dir: DataDir::Temporary, durability: Durability::Durable, settings };
        let server =
            tokio::task::spawn_blocking(move || Server::start(options, &mut |line| eprintln!("postgres: {line}")))
                .await?
                .context("the embedded Postgres cannot start")?;
        let admin = connect(&server.url("postgres")).await?;
        database::create(&server.url("postgres"), TEMPLATE, None).await.context("the template database")?;
        migrate::up(&Database::new(&server.url(TEMPLATE), 1)?).await.context("the schema cannot be applied")?;
        let postgres = Self { server, admin, databases: Cell::new(0) };
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = postgres.setting(name).await?;
            ensure!(value == "on", "{name} is {value}: this Postgres may lose commits, which invalidates the figures");
        }
        Ok(postgres)
    }

    /// Drops the previous database, creates a new one with the schema, and returns its URL. Ends with a checkpoint, so that
    /// every measurement starts from the same state.
    pub(crate) async fn fresh_database(&self) -> Result<String> {
        let number = self.databases.get();
        self.databases.set(number + 1);
        let name = format!("bench_{}", number + 1);
        if number > 0 {
            self.run(&format!("drop database bench_{number} with (force)")).await?;
        }
        self.run(&format!("create database {name} template {TEMPLATE}")).await?;
        self.checkpoint().await?;
        Ok(self.server.url(&name))
    }

    /// Creates another database with the schema, which is kept until the end, and returns its URL.
    pub(crate) async fn kept_database(&self, name: &str) -> Result<String> {
        self.run(&format!("create database {name} template {TEMPLATE}")).await?;
        Ok(self.server.url(name))
    }

    /// Runs a checkpoint, so that none happens during the next measurement.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        self.run("checkpoint").await
    }

    /// Reads the value of a setting.
    pub(crate) async fn setting(&self, name: &str) -> Result<String> {
        let row = self.admin.query_one("select current_setting($1)", &[&name]).await;
        Ok(row.with_context(|| format!("the setting {name}"))?.get(0))
    }

    /// Connects to another database than the measured one.
    pub(crate) fn admin(&self) -> &Client {
        &self.admin
    }

    /// The process id of the postmaster.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Returns the version.
    pub(crate) fn version(&self) -> &str {
        self.server.version()
    }

    /// Stops Postgres and removes its data.
    pub(crate) async fn stop(mut self) -> Result<()> {
        tokio::task::spawn_blocking(move || self.server.stop()).await?.context("the embedded Postgres cannot stop")
    }

    async fn run(&self, statement: &str) -> Result<()> {
        self.admin.batch_execute(statement).await.with_context(|| statement.to_owned())
    }
}

/// Opens a connection, driven by the current runtime.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("cannot connect to Postgres")?;
    // The next statement fails if the connection was closed.
    tokio::spawn(connection);
    Ok(client)
}
