//! `sigpost serve` as a child process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sigpost_qstash::SigningKeys;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::connection::Target;
use crate::serve_log::ServeLog;

/// How long it may take to be ready, and to stop.
const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(5);

/// Whether the process delivers what it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// As it is meant to run.
    On,
    /// `--no-delivery`.
    Off,
}

/// A running server, which is killed when this is dropped.
pub(crate) struct ServeProcess {
    child: Child,
    guard: Child,
    pid: u32,
    address: SocketAddr,
    token: String,
    log: ServeLog,
}

impl ServeProcess {
    /// Starts it on a database, and waits until it is ready.
    pub(crate) async fn start(program: &Path, database_url: &str, delivery: Delivery) -> Result<Self> {
        let (address, token) = (free_address()?, SigningKeys::generate().current);
        let mut command = Command::new(program);
        command.args(["serve", "--listen", &address.to_string()]);
        if delivery == Delivery::Off {
            command.arg("--no-delivery");
        }
        // The shell may hold what `sigpost dev` told people to paste: public keys, which serve refuses.
        command.env_remove("QSTASH_CURRENT_SIGNING_KEY").env_remove("QSTASH_NEXT_SIGNING_KEY");
        command.env("DATABASE_URL", database_url).env("QSTASH_TOKEN", &token);
        command.env("ADMIN_TOKEN", SigningKeys::generate().current).env("ALLOW_TARGETS", "127.0.0.0/8");
        command.env("RUST_LOG", "info").env("LOG_FORMAT", "text").env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);

        let mut child = command.spawn().with_context(|| format!("{} cannot start", program.display()))?;
        let stderr = child.stderr.take().context("sigpost serve's log")?;
        let pid = child.id().context("sigpost serve has ended already")?;
        let guard = guard(pid)?;
        let mut serve = Self { child, guard, pid, address, token, log: ServeLog::follow(stderr) };
        serve.ready().await?;
        Ok(serve)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Where jobs for `destination` are published.
    pub(crate) fn publish_to(&self, destination: &str) -> Target {
        Target { address: self.address, path: format!("/v2/publish/{destination}"), token: Some(self.token.clone()) }
    }

    /// Asks it to stop, and waits until it has: the way that an operator stops it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        // There is a `kill` in every shell, but not on every PATH.
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.pid.to_string()]).status().await;
        ensure!(asked.context("sh cannot start")?.success(), "sigpost serve cannot be asked to stop");
        // While the process is not waited for, nobody else has its id.
        self.guard.kill().await.context("the guard of sigpost serve cannot be stopped")?;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.with_context(|| format!("sigpost serve did not stop within {PATIENCE:?}"))??;
        ensure!(status.success(), "sigpost serve ended with {status}; its last words:\n{}", self.log.last_words());
        Ok(())
    }

    async fn ready(&mut self) -> Result<()> {
        let (client, started) = (reqwest::Client::new(), Instant::now());
        let url = format!("http://{}/readyz", self.address);
        loop {
            if let Some(status) = self.child.try_wait()? {
                // What it wrote may still be on its way to us.
                sleep(PAUSE * 10).await;
                bail!("sigpost serve ended with {status} as it started; its last words:\n{}", self.log.last_words());
            }
            if client.get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            ensure!(
                started.elapsed() < PATIENCE,
                "sigpost serve is not ready after {PATIENCE:?}; its last words:\n{}",
                self.log.last_words()
            );
            sleep(PAUSE).await;
        }
    }
}

/// Kills the process when its pipe is closed: also when we are killed, and can kill nobody.
fn guard(pid: u32) -> Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", "read -r line; kill -KILL \"$0\"", &pid.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().context("sh cannot start")
}

/// A port that is free now: serve does not tell which one it was given.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr()?)
}
