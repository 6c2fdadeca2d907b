//! Claims due jobs in batches, up to the maximum in flight.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_postgres::{Client, Statement};

use super::{Job, tables};
use crate::postgres;

/// Maximum jobs of a claim.
pub(super) const BATCH: usize = 200;
/// Maximum time that a claim waits for room for half a batch.
const GATHER: Duration = Duration::from_millis(5);
/// Interval between two empty claims without a notification.
const POLL: Duration = Duration::from_secs(1);

/// The connection that claims.
pub(super) struct Claims {
    client: Client,
    claim: Statement,
}

impl Claims {
    pub(super) async fn connect(database_url: &str) -> Result<Self> {
        let client = postgres::connect(database_url).await?;
        let claim = client.prepare(tables::CLAIM).await?;
        Ok(Self { client, claim })
    }

    /// Claims until the process ends.
    pub(super) async fn run(self, jobs: &mpsc::Sender<Job>, room: &Semaphore, stored: &Notify) -> Result<()> {
        loop {
            let wanted = room_for_batch(room).await?;
            let rows = self.client.query(&self.claim, &[&i64::try_from(wanted)?]).await?;
            let claimed = rows.len();
            room.acquire_many(u32::try_from(claimed)?).await?.forget();
            for row in rows {
                let job = Job { id: row.get(0), attempt: row.get(1), body: Bytes::from(row.get::<_, Vec<u8>>(2)) };
                jobs.send(job).await.context("no task sends")?;
            }
            if claimed < wanted {
                let _ = timeout(POLL, stored.notified()).await;
            }
        }
    }
}

/// Waits until there is room for a job, and a moment longer for half a batch. Returns the room.
async fn room_for_batch(room: &Semaphore) -> Result<usize> {
    drop(room.acquire().await?);
    if room.available_permits() < BATCH / 2 {
        let half = room.acquire_many(u32::try_from(BATCH / 2)?);
        if let Ok(permits) = timeout(GATHER, half).await {
            drop(permits?);
        }
    }
    Ok(room.available_permits().clamp(1, BATCH))
}
