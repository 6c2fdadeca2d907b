//! One `sigpost serve` process and its proxy to the database.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sigpost_qstash::SigningKeys;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::proxy::Proxy;

pub(crate) const TOKEN: &str = "chaos-chaos-chaos-chaos-chaos-chaos-chaos-chaos";

/// Timeout of a shutdown: the grace period (25 s) plus time to record outcomes.
const SHUTDOWN: Duration = Duration::from_secs(40);
const KILL: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) program: PathBuf,
    pub(crate) keys: SigningKeys,
    pub(crate) lease: u32,
    pub(crate) log: PathBuf,
    /// URL up to the host: `postgres://user:password@`.
    pub(crate) database_user: String,
    pub(crate) database: String,
}

pub(crate) struct Process {
    pub(crate) proxy: Proxy,
    number: usize,
    port: u16,
    child: Option<Child>,
    settings: Settings,
    pids: Pids,
}

/// Process IDs by number of the process, for the sink and the probes.
#[derive(Clone, Default)]
pub(crate) struct Pids(Arc<Mutex<Vec<Option<u32>>>>);

impl Pids {
    fn set(&self, process: usize, pid: Option<u32>) {
        let mut pids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pids.len() <= process {
            pids.resize(process + 1, None);
        }
        pids[process] = pid;
    }

    pub(crate) fn of(&self, process: usize) -> Option<u32> {
        self.all().get(process).copied().flatten()
    }

    pub(crate) fn all(&self) -> Vec<Option<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Process {
    pub(crate) fn new(number: usize, proxy: Proxy, settings: Settings, pids: Pids) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { proxy, number, port, child: None, settings, pids })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Whether the process has exited unexpectedly.
    pub(crate) fn has_crashed(&mut self) -> Result<bool> {
        Ok(match &mut self.child {
            Some(child) => child.try_wait()?.is_some(),
            None => false,
        })
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        let settings = &self.settings;
        let log = File::options().create(true).append(true).open(&settings.log)?;
        let url = format!("{}127.0.0.1:{}/{}", settings.database_user, self.proxy.port(), settings.database);
        let child = Command::new(&settings.program)
            .args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--allow-targets", "127.0.0.0/8"])
            .env_clear()
            .env("DATABASE_URL", url)
            .env("DATABASE_CONNECTIONS", "5")
            .env("QSTASH_TOKEN", TOKEN)
            .env("QSTASH_CURRENT_SIGNING_KEY", &settings.keys.current)
            .env("QSTASH_NEXT_SIGNING_KEY", &settings.keys.next)
            .env("LEASE_SECONDS", settings.lease.to_string())
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        let child =
            child.with_context(|| format!("{} cannot be started: build it first", settings.program.display()))?;
        self.pids.set(self.number, child.id());
        self.child = Some(child);
        Ok(())
    }

    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.end("KILL", KILL).await
    }

    /// Shuts the process down and waits for its end.
    pub(crate) async fn shut_down(&mut self) -> Result<()> {
        self.end("TERM", SHUTDOWN).await
    }

    async fn end(&mut self, name: &str, within: Duration) -> Result<()> {
        self.signal(name).await?;
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let ended = timeout(within, child.wait()).await;
        self.pids.set(self.number, None);
        if ended.is_err() {
            child.kill().await?;
            bail!("process {} did not end within {} s of SIG{name}", self.number, within.as_secs());
        }
        Ok(())
    }

    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        match self.child.as_ref().and_then(Child::id) {
            Some(pid) => signal(pid, name).await,
            None => Ok(()),
        }
    }
}

/// Sends a signal to a process that this tool started.
pub(crate) async fn signal(pid: u32, name: &str) -> Result<()> {
    Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().await?;
    Ok(())
}
