//! `sigpost serve`: for a container or a virtual machine.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::Router;
use clap::Args;
use sigpost_runtime::settings::{Problem, refuse};
use sigpost_runtime::{AddressPolicy, HostOverride, Reading, env, serve, traces};

use super::health::reached_at;

/// Run the API, the delivery engine, the admin API and the console on a Postgres of yours.
///
/// Run as many as you like on one database: there is no leader. SIGTERM stops it in order: pushes
/// under way may end within the grace time, the rest is given back.
#[derive(Debug, Args)]
#[command(after_help = "Environment:
  DATABASE_URL                   required; the schema is applied by `sigpost migrate`
  DATABASE_PASSWORD              the password, for a DATABASE_URL without one
  QSTASH_TOKEN                   required; the API's token, one of your own (more: `sigpost tokens`)
  QSTASH_CURRENT_SIGNING_KEY, QSTASH_NEXT_SIGNING_KEY
                                 the keys a new deployment starts with (default: fresh ones)
  ADMIN_TOKEN                    the token of the admin API, of /metrics and of the console, of at least 32
                                 characters; without it there are none of them
  DATABASE_CONNECTIONS (8)  MAX_IN_FLIGHT (1024)  MAX_BODY_BYTES (10000000)
  LEASE_SECONDS (20)  LONGEST_ATTEMPT_SECONDS (7200)  SHUTDOWN_GRACE_SECONDS (25)
  TERMINATION_GRACE_SECONDS      after how many seconds the platform kills a process that was asked to stop
  DEDUPLICATION_WINDOW_SECONDS (600)  DEDUPLICATION_RELEASE_ON_FAILURE (false)
  API_RATE_LIMIT_PER_SECOND (100)  MAX_CONNECTIONS_PER_ADDRESS (1024)  RUST_LOG (info)
  OTEL_EXPORTER_OTLP_ENDPOINT    where traces are sent; docs/src/reference/settings.md lists the others
  SIGV4_TARGETS                  hosts and patterns whose pushes AWS has to let in (*.on.aws): they are
                                 signed for the service `lambda`, with the credentials of this process

  `sigpost config check` shows them all, with what is wrong; `sigpost doctor` looks at the deployment.

  A value may be kept in AWS: ssm:PARAMETER, or secretsmanager:SECRET#KEY. It is read once, at the start.")]
pub(crate) struct Serve {
    /// Where to listen, beyond this machine for instance on `0.0.0.0:8080` in a container. Default: LISTEN, or
    /// 127.0.0.1:8080.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Targets outside the public internet that may be pushed to: networks (10.0.0.0/8), addresses,
    /// hosts and patterns (*.internal), separated by commas. None by default.
    #[arg(long, env = "ALLOW_TARGETS", value_name = "LIST")]
    allow_targets: Option<String>,
    /// Connect to this address for pushes to this host, whatever its name resolves to; the rest of the
    /// request stays as its URL has it. ADDR is an address, or an address and a port for URLs without
    /// one. For tests, and refused without --allow-resolve; may be given several times.
    #[arg(long, value_name = "HOST=ADDR")]
    resolve: Vec<HostOverride>,
    /// Let --resolve send pushes elsewhere than their URLs say.
    #[arg(long)]
    allow_resolve: bool,
    /// Accept without delivering; another process delivers.
    #[arg(long)]
    no_delivery: bool,
    /// Log as JSON, one object a line.
    #[arg(long)]
    pub(crate) json_logs: bool,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<()> {
        ensure!(
            self.resolve.is_empty() || self.allow_resolve,
            "--resolve sends pushes elsewhere than their URLs say, which is for tests; \
             leave it out, or give --allow-resolve too"
        );
        let (mut config, problems) = read();
        refuse(&problems)?;
        traces::start()?;
        if let Some(list) = &self.allow_targets {
            config.address_policy = AddressPolicy::allowing(&env::split(list)).context("--allow-targets")?;
        }
        config.address_policy = config.address_policy.with_overrides(self.resolve);
        if self.no_delivery {
            config.engine = None;
        }
        let address = self.listen.unwrap_or_else(|| serve::address(&mut Reading::as_far_as_set()));
        let mut listener = serve::bind(address).await?;
        let listening = listener.local_addr()?;
        let mut terminated = Box::pin(serve::terminated());
        tokio::select! {
            () = &mut terminated => return Ok(()),
            waited = dispatch::wait_for_database(&mut listener, &config.database_url.0) => waited?,
        }

        let api_token = config.token.0.clone();
        let app = dispatch::App::start(config).await?;
        let mut router = app.router();
        match env::var("ADMIN_TOKEN")? {
            Some(admin_token) => {
                let admin_token = admin::AdminToken::new(&admin_token)?;
                let api_url = format!("http://{}", reached_at(listening));
                let console = admin::ConsoleConfig { admin_token, api_url, api_token, jobs: Vec::new() };
                router = router.merge(admin_routes(&app, &console)?);
            }
            None => tracing::warn!("ADMIN_TOKEN is not set: there is no admin API and no console"),
        }
        tracing::info!(listen = %listening, "sigpost serves");
        let served = serve::serve_on(listener, router, terminated).await;
        app.shutdown().await;
        traces::flush().await;
        served
    }
}

/// What operators reach: the admin API, `/metrics` with what this process has counted, and the console.
pub(crate) fn admin_routes(app: &dispatch::App, console: &admin::ConsoleConfig) -> Result<Router> {
    let token = console.admin_token.clone();
    let measured = app.clone();
    let own: admin::OwnMetrics = Arc::new(move |registry| measured.register(registry));
    Ok(admin::router(app.lists(), admin::Authorization::Token(token.clone()))
        .merge(admin::metrics_router(app.lists(), token, own))
        .merge(admin::console(app.lists(), console)?))
}

/// Everything that `serve` reads, and what is wrong with it.
pub(crate) fn read() -> (dispatch::Config, Vec<Problem>) {
    let (config, mut problems) = dispatch::Config::read();
    problems.extend(config.dev_credentials());
    match env::var("ADMIN_TOKEN") {
        Err(why) => problems.push(Problem::error("ADMIN_TOKEN", format!("{why:#}"))),
        Ok(token) => problems.extend(admin_token(token.as_deref(), &config.token.0)),
    }
    (config, problems)
}

/// Without one there is no admin API, which is in order; `serve` logs it.
fn admin_token(admin: Option<&str>, api: &str) -> Option<Problem> {
    let token = admin?;
    let fix = "make one with `openssl rand -hex 32`";
    match admin::AdminToken::new(token) {
        Err(why) => Some(Problem::error("ADMIN_TOKEN", format!("{why}; {fix}"))),
        Ok(_) if token == api => {
            let text = "ADMIN_TOKEN is the same as QSTASH_TOKEN: who publishes may see all of the admin API";
            Some(Problem::warning("ADMIN_TOKEN", format!("{text}; {fix}")))
        }
        Ok(_) => None,
    }
}
