//! Deployment of a campaign: Postgres, three processes with a proxy each, and the sink.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sigpost_qstash::SigningKeys;
use sigpost_store::{Database, database, migrate};
use tokio::time::{Instant, sleep};

use crate::disk::Disk;
use crate::history::{Effect, now};
use crate::journal::Journal;
use crate::load::Publisher;
use crate::postgres::{DATABASE, Postgres};
use crate::probe::Probes;
use crate::process::{Pids, Process, Settings};
use crate::proxy::Proxy;
use crate::sink::Sink;

pub(crate) const PROCESSES: usize = 3;
/// Timeout until processes are ready; the bounds of the invariants are shorter.
const READY: Duration = Duration::from_secs(60);

pub(crate) struct Deployment {
    // Drop order: processes, Postgres, disk.
    pub(crate) processes: Vec<Process>,
    pub(crate) postgres: Postgres,
    /// The disk, or the reason for its absence.
    pub(crate) disk: Result<Disk, String>,
    pub(crate) sink: Sink,
    pub(crate) journal: Journal,
    /// Seconds.
    pub(crate) lease: f64,
    _probes: Probes,
}

impl Deployment {
    pub(crate) async fn start(program: PathBuf, lease: u32, folder: &Path) -> Result<Self> {
        let postgres = Postgres::start(folder).await?;
        database::create(&postgres.url("postgres")?, DATABASE, None).await?;
        migrate::up(&Database::new(&postgres.url(DATABASE)?, 1)?).await?;
        let disk = Disk::mount(folder, &postgres.client().await?).await.map_err(|error| error.to_string());

        let keys = SigningKeys::generate();
        let (pids, journal) = (Pids::default(), Journal::default());
        let sink = Sink::start(&keys, pids.clone()).await?;
        let url = postgres.url(DATABASE)?;
        let (user, _) = url.rsplit_once('@').context("the URL of Postgres has a user")?;
        let settings = Settings {
            program,
            keys,
            lease,
            log: PathBuf::new(),
            database_user: format!("{user}@"),
            database: DATABASE.to_owned(),
        };
        let mut processes = Vec::with_capacity(PROCESSES);
        for number in 0..PROCESSES {
            let proxy = Proxy::start(postgres.target()).await?;
            let settings = Settings { log: folder.join(format!("serve-{number}.log")), ..settings.clone() };
            let mut process = Process::new(number, proxy, settings, pids.clone())?;
            process.start()?;
            processes.push(process);
        }
        let probes = Probes::start(&processes, &pids, &journal)?;
        let deployment = Self { processes, postgres, disk, sink, journal, lease: f64::from(lease), _probes: probes };
        deployment.wait_until_ready().await?;
        Ok(deployment)
    }

    pub(crate) fn publisher(&self) -> Result<Publisher> {
        let urls = self.processes.iter().map(Process::url).collect();
        Publisher::new(urls, self.sink.url(), self.journal.clone())
    }

    /// Waits until every process is ready, by probes that start after this call.
    pub(crate) async fn wait_until_ready(&self) -> Result<()> {
        let (since, deadline) = (now(), Instant::now() + READY);
        while !self.journal.all_ready_since(self.processes.len(), since) {
            if Instant::now() >= deadline {
                bail!("not every process is ready within {} s", READY.as_secs());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Restarts processes that have exited unexpectedly. Returns them.
    pub(crate) fn restart_crashed(&mut self) -> Result<Vec<usize>> {
        let mut crashed = Vec::new();
        for (number, process) in self.processes.iter_mut().enumerate() {
            if process.has_crashed()? || !process.is_running() {
                let begun = self.journal.begin("crash", Some(number), Effect::Killed);
                process.start()?;
                self.journal.end(begun);
                crashed.push(number);
            }
        }
        Ok(crashed)
    }

    /// Deletes all messages, limits and schedules before the next round.
    pub(crate) async fn clear(&self) -> Result<()> {
        self.postgres
            .client()
            .await?
            .batch_execute(
                "truncate dead_letters, messages, pending_deliveries, attempts, slots, deduplications;
                 delete from gates; delete from schedules",
            )
            .await?;
        self.sink.clear();
        self.journal.clear();
        Ok(())
    }
}
