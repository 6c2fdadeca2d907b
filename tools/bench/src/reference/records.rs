//! Records outcomes. Attempts that end during a commit share the next one.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::{Semaphore, mpsc};
use tokio_postgres::{Client, Statement};

use super::attempts::Outcome;
use super::tables;
use crate::postgres;

/// Maximum outcomes of a commit.
const BATCH: usize = 200;

/// Starts the task. Each recorded outcome permits the claim of another job.
pub(super) async fn start(database_url: &str, outcomes: mpsc::Receiver<Outcome>, room: Arc<Semaphore>) -> Result<()> {
    let client = postgres::connect(database_url).await?;
    let record = client.prepare(tables::RECORD).await?;
    tokio::spawn(async move {
        if let Err(error) = run(&client, &record, outcomes, &room).await {
            eprintln!("reference: outcomes cannot be recorded: {error:#}");
        }
    });
    Ok(())
}

async fn run(
    client: &Client,
    record: &Statement,
    mut outcomes: mpsc::Receiver<Outcome>,
    room: &Semaphore,
) -> Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    while outcomes.recv_many(&mut batch, BATCH).await > 0 {
        let ids: Vec<i64> = batch.iter().map(|outcome: &Outcome| outcome.id).collect();
        let column = |read: fn(&Outcome) -> i32| batch.iter().map(read).collect::<Vec<i32>>();
        let attempts = column(|outcome| outcome.attempt);
        let statuses = column(|outcome| outcome.status);
        let durations = column(|outcome| outcome.duration_ms);
        client.execute(record, &[&ids, &attempts, &statuses, &durations]).await?;
        room.add_permits(batch.len());
        batch.clear();
    }
    Ok(())
}
