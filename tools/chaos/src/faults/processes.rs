//! Faults of processes.

use anyhow::Result;
use rand::rngs::StdRng;

use super::{any_process, last};
use crate::deployment::Deployment;
use crate::history::Effect;

pub(super) async fn kill(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let process = any_process(deployment, random);
    let begun = deployment.journal.begin("kill", Some(process), Effect::Killed);
    deployment.processes[process].kill().await?;
    last(random, 0.0..1.5).await;
    deployment.processes[process].start()?;
    deployment.journal.end(begun);
    Ok(())
}

pub(super) async fn shut_down(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let process = any_process(deployment, random);
    let begun = deployment.journal.begin("shutdown", Some(process), Effect::ShutDown);
    deployment.processes[process].shut_down().await?;
    deployment.processes[process].start()?;
    deployment.journal.end(begun);
    Ok(())
}

/// Stops a process for longer than a lease, so that others claim its messages.
pub(super) async fn stop(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let process = any_process(deployment, random);
    let begun = deployment.journal.begin("stop", Some(process), Effect::Stopped);
    deployment.processes[process].signal("STOP").await?;
    let lease = deployment.lease;
    last(random, lease + 0.5..lease + 3.0).await;
    deployment.processes[process].signal("CONT").await?;
    deployment.journal.end(begun);
    Ok(())
}
