//! Inserts into a plain table without an index: many rows or one row per commit.

use std::time::Duration;

use anyhow::Result;
use tokio_postgres::{Client, Statement};

use crate::load::closed_loop::{self, Extent, Worker};
use crate::load::job;
use crate::{own_thread, postgres};

const ROWS: usize = 100;
const TABLE: &str =
    "create table plain (id uuid not null, body bytea not null, created_at timestamptz not null default now())";
const INSERT: &str = "insert into plain (id, body) select gen_random_uuid(), body from unnest($1::bytea[]) body";

/// A client that inserts `rows` rows with each statement.
struct Inserter {
    client: Client,
    statement: Statement,
    rows: usize,
}

impl Inserter {
    async fn connect(url: &str, rows: usize) -> Result<Self> {
        let client = postgres::connect(url).await?;
        let statement = client.prepare(INSERT).await?;
        Ok(Self { client, statement, rows })
    }
}

impl Worker for Inserter {
    async fn step(&mut self, number: u64) -> Result<u64> {
        let body = job::body(number, job::now_ns());
        let bodies = vec![&body[..]; self.rows];
        Ok(self.client.execute(&self.statement, &[&bodies]).await?)
    }
}

/// Rows per second of one client, 100 per statement.
pub(crate) async fn batched(url: &str, window: Duration) -> Result<f64> {
    insert(url, 1, ROWS, window).await
}

/// Rows per second of many clients, one row per commit.
pub(crate) async fn single(url: &str, clients: usize, window: Duration) -> Result<f64> {
    insert(url, clients, 1, window).await
}

async fn insert(url: &str, clients: usize, rows: usize, window: Duration) -> Result<f64> {
    let url = url.to_owned();
    own_thread::run("inserts", move || async move {
        postgres::connect(&url).await?.batch_execute(TABLE).await?;
        let mut inserters = Vec::with_capacity(clients);
        for _ in 0..clients {
            inserters.push(Inserter::connect(&url, rows).await?);
        }
        Ok(closed_loop::run(inserters, Extent::Window(window)).await?.per_second)
    })
    .await
}
