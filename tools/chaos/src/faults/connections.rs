//! Faults of the connections between processes and Postgres.

use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use super::{any_process, last};
use crate::deployment::Deployment;
use crate::history::Effect;
use crate::proxy::Mode;

/// Drops all traffic in both directions; connections stay open.
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

/// Closes connections, and accepts new ones without a response.
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

/// Drops the responses of Postgres, which executes the statements. The lost bytes break the protocol, so the
/// connections are closed at the end.
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

/// Closes all connections of a process once.
pub(super) async fn cut(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let process = any_process(deployment, random);
    let begun = deployment.journal.begin("cut", Some(process), Effect::Impaired);
    deployment.processes[process].proxy.cut();
    deployment.journal.end(begun);
    Ok(())
}

/// Timeout until all connections are in use.
const TAKEN_WITHIN: Duration = Duration::from_secs(6);

/// Other clients use all connections, and processes cannot open new ones.
pub(super) async fn exhausted(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let begun = deployment.journal.begin("exhausted", None, Effect::Impaired);
    // Close the connections of the processes and prevent new ones until all are in use.
    for process in &deployment.processes {
        process.proxy.set(Mode::Silent);
        process.proxy.cut();
    }
    // Postgres closes the connections of the processes with a delay.
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
