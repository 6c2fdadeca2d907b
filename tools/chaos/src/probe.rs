//! Requests `/readyz` of each process continuously and reads its memory.

use std::time::Duration;

use anyhow::Result;
use reqwest::Client;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::history::{Memory, Probe, now};
use crate::journal::Journal;
use crate::process::{Pids, Process};

const PAUSE: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_secs(4);

/// Running probe. Stops on drop.
pub(crate) struct Probes(Vec<JoinHandle<()>>);

impl Probes {
    pub(crate) fn start(processes: &[Process], pids: &Pids, journal: &Journal) -> Result<Self> {
        // A new connection for each request, as from an orchestrator: a kept one would end with the process.
        let client = Client::builder().no_proxy().timeout(TIMEOUT).pool_max_idle_per_host(0).build()?;
        let tasks = processes.iter().enumerate().map(|(number, process)| {
            let url = format!("{}/readyz", process.url());
            tokio::spawn(probe(client.clone(), url, number, pids.clone(), journal.clone()))
        });
        Ok(Self(tasks.collect()))
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

async fn probe(client: Client, url: String, process: usize, pids: Pids, journal: Journal) {
    loop {
        let began = now();
        let status = client.get(&url).send().await.ok().map(|response| response.status().as_u16());
        journal.probe(Probe { process, began, ended: now(), status });
        if let Some(bytes) = pids.of(process).and_then(resident_memory) {
            journal.memory(Memory { process, at: now(), bytes });
        }
        sleep(PAUSE).await;
    }
}

/// Returns the resident memory, or `None` without `/proc`.
fn resident_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
