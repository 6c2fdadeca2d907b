//! Faults of the connections between processes and Postgres.

use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use super::{any_process, last};
use crate::deployment::Deployment;
use crate::history::Effect;
use crate::proxy::Mode;

/// Nothing arrives in either direction; connections stay open.
pub(super) async fn black_hole(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let process = any_process(deployment, random);
    let begun = deployment.journal.begin("black-hole", Some(process), Effect::Detached);
    deployment.processes[process].proxy.set(Mode::BlackHole);
    let lease = deployment.lease;
    last(random, 1.0..lease + 4.0).await;
    deployment.processes[process].proxy.set(Mode::Pass);
    deployment.journal.end(begun);
    Ok(())
}

/// Connections are lost, and new ones are accepted by a peer that never responds.
pub(super) async fn silent_peer(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let process = any_process(deployment, random);
    let begun = deployment.journal.begin("silent-peer", Some(process), Effect::Detached);
    let proxy = &deployment.processes[process].proxy;
    proxy.set(Mode::Silent);
    proxy.cut();
    last(random, 1.0..9.0).await;
    let proxy = &deployment.processes[process].proxy;
    proxy.cut();
    proxy.set(Mode::Pass);
    deployment.journal.end(begun);
    Ok(())
}

/// Postgres executes what it is sent, and the process has no response. What was lost breaks the protocol, so that the
/// connections end with the fault.
pub(super) async fn lost_responses(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let process = any_process(deployment, random);
    let begun = deployment.journal.begin("lost-responses", Some(process), Effect::Detached);
    deployment.processes[process].proxy.set(Mode::LoseResponses);
    last(random, 0.2..8.0).await;
    let proxy = &deployment.processes[process].proxy;
    proxy.set(Mode::Pass);
    proxy.cut();
    deployment.journal.end(begun);
    Ok(())
}

/// All connections of a process, once.
pub(super) async fn cut(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let process = any_process(deployment, random);
    let begun = deployment.journal.begin("cut", Some(process), Effect::Impaired);
    deployment.processes[process].proxy.cut();
    deployment.journal.end(begun);
    Ok(())
}

/// How long it may take to use up all connections.
const TAKEN_WITHIN: Duration = Duration::from_secs(6);

/// Other clients have all connections, and processes that need new ones get none.
pub(super) async fn exhausted(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let begun = deployment.journal.begin("exhausted", None, Effect::Impaired);
    // The processes lose their connections, and cannot make new ones before all are taken.
    for process in &deployment.processes {
        process.proxy.set(Mode::Silent);
        process.proxy.cut();
    }
    // Postgres needs a moment to close those of the processes.
    sleep(Duration::from_millis(200)).await;
    let mut clients = Vec::new();
    let until = Instant::now() + TAKEN_WITHIN;
    while let Ok(client) = deployment.postgres.client().await {
        clients.push(client);
        if Instant::now() >= until {
            break;
        }
    }
    deployment.processes.iter().for_each(|process| process.proxy.set(Mode::Pass));
    last(random, 2.0..6.0).await;
    drop(clients);
    deployment.journal.end(begun);
    Ok(())
}
