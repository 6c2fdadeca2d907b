//! The claim and the completion of a plain queue.

use anyhow::{Result, ensure};
use tokio_postgres::{Client, Statement};

use crate::load::closed_loop::{self, Extent, Worker};
use crate::own_thread;
use crate::postgres::{self, Postgres};

const JOBS: i64 = 50_000;
const BATCH: i64 = 100;
const TABLE: &str = "
    create table queue (
        id bigint generated always as identity primary key,
        body bytea not null,
        state smallint not null default 0,
        due_at timestamptz not null default now()
    );
    create index queue_due on queue (due_at, id) where state = 0;
    insert into queue (body) select convert_to(repeat('x', 200), 'UTF8') from generate_series(1, 50000);";
const CLAIM: &str = "update queue set state = 1 where id = any(array(
        select id from queue where state = 0 and due_at <= now() order by due_at, id limit $1 for update skip locked
    )) returning id, body";
const COMPLETE: &str = "update queue set state = 2 where id = any($1)";

/// A client that claims a batch and completes it, each in its own commit.
struct Claimer {
    client: Client,
    claim: Statement,
    complete: Statement,
}

impl Worker for Claimer {
    async fn step(&mut self, _number: u64) -> Result<u64> {
        let rows = self.client.query(&self.claim, &[&BATCH]).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        ensure!(i64::try_from(ids.len()) == Ok(BATCH), "{} jobs were claimed instead of {BATCH}", ids.len());
        Ok(self.client.execute(&self.complete, &[&ids]).await?)
    }
}

/// Jobs per second of one client, 100 per statement, until 50,000 are done.
pub(crate) async fn batched(postgres: &Postgres, url: &str) -> Result<f64> {
    postgres::connect(url).await?.batch_execute(TABLE).await?;
    postgres.checkpoint().await?;
    let url = url.to_owned();
    own_thread::run("claims", move || async move {
        let client = postgres::connect(&url).await?;
        let (claim, complete) = (client.prepare(CLAIM).await?, client.prepare(COMPLETE).await?);
        let steps = Extent::Steps(u64::try_from(JOBS / BATCH)?);
        Ok(closed_loop::run(vec![Claimer { client, claim, complete }], steps).await?.per_second)
    })
    .await
}
