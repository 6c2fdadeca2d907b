//! What the measurements share: the program, Postgres and the destination.

use std::path::PathBuf;

use anyhow::Result;

use crate::postgres::Postgres;
use crate::serve::process::{Delivery, ServeProcess};
use crate::sink::process::SinkProcess;

/// The parts that run. In this order they end: the database last.
pub(crate) struct Testbed {
    /// The path of `sigpost`.
    pub(crate) program: PathBuf,
    pub(crate) sink: SinkProcess,
    pub(crate) postgres: Postgres,
}

impl Testbed {
    /// Starts Postgres and the destination.
    pub(crate) async fn start(program: PathBuf) -> Result<Self> {
        let postgres = Postgres::start(&[]).await?;
        Ok(Self { program, sink: SinkProcess::start().await?, postgres })
    }

    /// Starts `sigpost serve` on a database, and waits until it is ready.
    pub(crate) async fn serve(&self, database_url: &str, delivery: Delivery) -> Result<ServeProcess> {
        self.serve_with(database_url, delivery, &[]).await
    }

    /// Like [`serve`](Self::serve), with these variables in addition to its defaults.
    pub(crate) async fn serve_with(
        &self,
        database_url: &str,
        delivery: Delivery,
        variables: &[(&str, &str)],
    ) -> Result<ServeProcess> {
        ServeProcess::start(&self.program, database_url, delivery, variables).await
    }
}
