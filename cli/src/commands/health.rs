//! `sigpost health`: of a process for containers, of the jobs for people.

mod jobs;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::api_client::AdminArgs;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ask a `sigpost serve` whether it runs: exits with 0 if it does and 1 if not.
///
/// For the health checks of containers, whose image has no other program. With --jobs it asks the admin
/// API how the jobs are doing, and exits with 1 when that is unhealthy.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost health --ready
  sigpost health --jobs --window 1h")]
pub(crate) struct Health {
    /// Where it is. By default on this machine, where LISTEN says.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080", hide = true)]
    listen: SocketAddr,
    /// Ask whether its database answers, too.
    #[arg(long)]
    ready: bool,
    /// Ask how the jobs are doing: the verdict, the reasons for it, open alerts.
    #[arg(long, conflicts_with = "ready")]
    jobs: bool,
    /// How far back --jobs looks: 1m to 7d.
    #[arg(long, value_name = "DURATION", default_value = "1h", requires = "jobs")]
    window: String,
    /// Where --jobs asks when nothing else is said.
    #[arg(long, env = "QSTASH_URL", hide = true)]
    api_url: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
    /// Print the answer to --jobs as JSON.
    #[arg(long, requires = "jobs")]
    json: bool,
}

impl Health {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let listen = reached_at(self.listen);
        if self.jobs {
            let url = self.url.or(self.api_url).unwrap_or_else(|| format!("http://{listen}"));
            return jobs::ask(&self.admin.open_at(&url)?, &self.window, self.json).await;
        }
        let base = self.url.unwrap_or_else(|| format!("http://{listen}"));
        let url = format!("{}{}", base.trim_end_matches('/'), if self.ready { "/readyz" } else { "/healthz" });
        let client = reqwest::Client::builder().timeout(PATIENCE).build().context("the HTTP client cannot be built")?;
        let answer = client.get(&url).send().await.with_context(|| format!("{url} does not answer"))?;
        if !answer.status().is_success() {
            bail!("{url} answers {}", answer.status());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Where somebody on this machine reaches who listens there: here, if that is everywhere.
pub(crate) fn reached_at(listen: SocketAddr) -> SocketAddr {
    let here: IpAddr = match listen.ip() {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(here, listen.port())
}

#[cfg(test)]
mod tests {
    use super::reached_at;

    #[test]
    fn who_listens_everywhere_is_reached_on_this_machine() {
        for (listen, reached) in
            [("0.0.0.0:8080", "127.0.0.1:8080"), ("[::]:9000", "[::1]:9000"), ("10.0.0.7:80", "10.0.0.7:80")]
        {
            let address = listen.parse().expect("an address");
            assert_eq!(reached_at(address).to_string(), reached);
        }
    }
}
