//! Faults of Postgres as a whole.

use anyhow::{Result, anyhow};
use rand::rngs::StdRng;

use super::last;
use crate::deployment::Deployment;
use crate::history::Effect;

/// Stops Postgres with a signal, and starts it again.
pub(super) async fn end(
    deployment: &mut Deployment,
    random: &mut StdRng,
    fault: &'static str,
    signal: &str,
) -> Result<()> {
    let effect = if signal == "INT" { Effect::Detached } else { Effect::DatabaseCrashed };
    let begun = deployment.journal.begin(fault, None, effect);
    deployment.postgres.end(signal).await?;
    last(random, 0.2..3.0).await;
    deployment.postgres.start_again().await?;
    deployment.journal.end(begun);
    Ok(())
}

/// Makes the database read-only for longer than `/readyz` may take to detect it.
pub(super) async fn read_only(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let client = deployment.postgres.client().await?;
    let begun = deployment.journal.begin("read-only", None, Effect::Detached);
    client.batch_execute("alter system set default_transaction_read_only = on").await?;
    client.batch_execute("select pg_reload_conf()").await?;
    last(random, 2.0..8.0).await;
    client.batch_execute("alter system reset default_transaction_read_only").await?;
    client.batch_execute("select pg_reload_conf()").await?;
    deployment.journal.end(begun);
    Ok(())
}

/// Fills the disk that stores the messages and their indexes.
pub(super) async fn disk_full(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let disk = deployment.disk.as_ref().map_err(|missing| anyhow!("no disk to fill: {missing}"))?;
    let begun = deployment.journal.begin("disk-full", None, Effect::Impaired);
    let filled = disk.fill();
    last(random, 2.0..6.0).await;
    disk.free()?;
    deployment.journal.end(begun);
    filled
}
