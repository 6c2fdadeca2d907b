//! `sigpost health`: health of a process, or of the jobs.

mod jobs;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use sigpost_client::{Client, Credentials};
use sigpost_runtime::settings::{LISTEN, QSTASH_URL};

use crate::api_args::AdminArgs;

/// Request timeout.
const PATIENCE: Duration = Duration::from_secs(3);

/// Check the health of a `sigpost serve` process or of the jobs. Exits with 1 if it is unhealthy.
///
/// By default it requests /healthz, which responds while the process runs. Use it for health checks of containers
/// whose image has no other HTTP client. With --jobs it requests the health of the jobs from the admin API.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost health --ready
  sigpost health --jobs --window 1h")]
pub(crate) struct Health {
    /// URL of the process. Default: LISTEN on this machine if that is set, otherwise QSTASH_URL, otherwise
    /// http://127.0.0.1:8080. With --jobs, QSTASH_URL comes before LISTEN.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[arg(long, env = LISTEN.name, hide = true)]
    listen: Option<SocketAddr>,
    /// Request /readyz instead: check that the database accepts a write.
    #[arg(long)]
    ready: bool,
    /// Print the health of the jobs, the reasons for it, and open alerts.
    #[arg(long, conflicts_with = "ready")]
    jobs: bool,
    /// How far back --jobs counts: 1m to 7d.
    #[arg(long, value_name = "DURATION", default_value = "1h", requires = "jobs")]
    window: String,
    #[arg(long, env = QSTASH_URL.name, hide = true)]
    api_url: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
    /// Print the response to --jobs as JSON.
    #[arg(long, requires = "jobs")]
    json: bool,
}

impl Health {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let base = base_url(self.jobs, self.url, self.listen, self.api_url);
        if self.jobs {
            return jobs::print(&self.admin.open_at(&base)?, &self.window, self.json).await;
        }
        let api = Client::with_timeout(&base, Credentials::None, PATIENCE)?;
        let (path, call) = if self.ready { ("/readyz", api.get_readiness()) } else { ("/healthz", api.get_liveness()) };
        call.await.with_context(|| format!("{}{path}", api.url()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the URL to request. Without `--jobs`, LISTEN comes before QSTASH_URL: a health check must test the process
/// in its own container, not another one of the deployment.
fn base_url(jobs: bool, url: Option<String>, listen: Option<SocketAddr>, api_url: Option<String>) -> String {
    let here = listen.map(|listen| format!("http://{}", reached_at(listen)));
    let configured = if jobs { api_url.or(here) } else { here.or(api_url) };
    url.or(configured).unwrap_or_else(|| QSTASH_URL.default_text("CLI").to_owned())
}

/// Returns the address at which a listener on `listen` is reached from this machine: loopback for unspecified addresses.
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
    use super::{base_url, reached_at};

    #[test]
    fn each_source_of_the_url_has_its_place() {
        let (flag, api) = ("http://flag", "http://api");
        for (jobs, url, listen, api_url, expected) in [
            (false, None, false, None, "http://127.0.0.1:8080"),
            (false, None, false, Some(api), api),
            (false, None, true, None, "http://127.0.0.1:9"),
            (false, None, true, Some(api), "http://127.0.0.1:9"),
            (false, Some(flag), true, Some(api), flag),
            (true, None, false, None, "http://127.0.0.1:8080"),
            (true, None, true, None, "http://127.0.0.1:9"),
            (true, None, true, Some(api), api),
            (true, Some(flag), true, Some(api), flag),
        ] {
            let listen = listen.then(|| "0.0.0.0:9".parse().expect("an address"));
            let base = base_url(jobs, url.map(str::to_owned), listen, api_url.map(str::to_owned));
            assert_eq!(base, expected, "{jobs} {url:?} {listen:?} {api_url:?}");
        }
    }

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
