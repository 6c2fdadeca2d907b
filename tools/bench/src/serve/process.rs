//! A running `sigpost serve`.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sigpost_qstash::SigningKeys;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::log::ServeLog;
use crate::load::connection::Target;

/// Timeout of a start and of a stop.
const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(5);

/// Whether the process delivers the messages that it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The default.
    On,
    /// `--no-delivery`.
    Off,
}

/// Running server. Killed on drop.
pub(crate) struct ServeProcess {
    child: Child,
    guard: Child,
    pid: u32,
    address: SocketAddr,
    token: String,
    log: ServeLog,
}

impl ServeProcess {
    /// Starts the server on a database with these variables in addition to its defaults, and waits until it is ready.
    pub(crate) async fn start(
        program: &Path,
        database_url: &str,
        delivery: Delivery,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let (address, token) = (free_address()?, SigningKeys::generate().current);
        let mut command = Command::new(program);
        command.args(["serve", "--listen", &address.to_string()]);
        if delivery == Delivery::Off {
            command.arg("--no-delivery");
        }
        // The shell may have the public keys that `sigpost dev` prints, which serve rejects.
        command.env_remove("QSTASH_CURRENT_SIGNING_KEY").env_remove("QSTASH_NEXT_SIGNING_KEY");
        command.env("DATABASE_URL", database_url).env("QSTASH_TOKEN", &token);
        command.env("ADMIN_TOKEN", SigningKeys::generate().current).env("ALLOW_TARGETS", "127.0.0.0/8");
        command.env("RUST_LOG", "info").env("LOG_FORMAT", "text").env("NO_COLOR", "1");
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);

        let mut child = command.spawn().with_context(|| format!("{} cannot start", program.display()))?;
        let stderr = child.stderr.take().context("the log of sigpost serve")?;
        let pid = child.id().context("sigpost serve has ended already")?;
        let guard = guard(pid)?;
        let mut serve = Self { child, guard, pid, address, token, log: ServeLog::follow(stderr) };
        serve.ready().await?;
        Ok(serve)
    }

    /// Returns the process ID.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the target for publishes to `destination`.
    pub(crate) fn publish_to(&self, destination: &str) -> Target {
        self.endpoint(format!("/v2/publish/{destination}"))
    }

    /// Returns the target of a path of its API.
    pub(crate) fn endpoint(&self, path: String) -> Target {
        Target::new(self.address, path, Some(self.token.clone()))
    }

    /// Sends SIGTERM and waits for the end of the process.
    pub(crate) async fn stop(mut self) -> Result<()> {
        // Every shell has a `kill`; not every PATH has.
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.pid.to_string()]).status().await;
        ensure!(sent.context("sh cannot start")?.success(), "sigpost serve cannot be stopped");
        // Until the child is waited for, no other process gets its ID.
        self.guard.kill().await.context("the guard of sigpost serve cannot be stopped")?;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.with_context(|| format!("sigpost serve did not stop within {PATIENCE:?}"))??;
        ensure!(status.success(), "sigpost serve ended with {status}; the end of its log:\n{}", self.log.end());
        Ok(())
    }

    /// Kills the process, for measurements after which a graceful shutdown would take long.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("sigpost serve cannot be killed")?;
        self.guard.kill().await.context("the guard of sigpost serve cannot be stopped")
    }

    async fn ready(&mut self) -> Result<()> {
        let (client, started) = (reqwest::Client::new(), Instant::now());
        let url = format!("http://{}/readyz", self.address);
        loop {
            if let Some(status) = self.child.try_wait()? {
                // The end of its log may still be in the pipe.
                sleep(PAUSE * 10).await;
                bail!("sigpost serve exited with {status} at its start; the end of its log:\n{}", self.log.end());
            }
            if client.get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            let elapsed = started.elapsed();
            ensure!(elapsed < PATIENCE, "sigpost serve is not ready after {PATIENCE:?}:\n{}", self.log.end());
            sleep(PAUSE).await;
        }
    }
}

/// Kills the process when its pipe is closed, which also happens when the bench is killed.
fn guard(pid: u32) -> Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", "read -r line; kill -KILL \"$0\"", &pid.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().context("sh cannot start")
}

/// Finds a free port, because `serve` does not print the port that the system chose.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
