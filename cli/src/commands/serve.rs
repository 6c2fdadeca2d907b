//! `sigpost serve`: for a container or a virtual machine.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::Router;
use clap::Args;
use sigpost_health::Rules;
use sigpost_runtime::settings::{ADMIN_TOKEN, ALLOW_TARGETS, Problem, reject};
use sigpost_runtime::{AddressPolicy, HostOverride, Reading, env, serve, traces};

use super::health::reached_at;

/// Run the API, the dispatcher, the admin API and the console on your own Postgres.
///
/// Any number of processes can share a database; there is no leader. SIGTERM starts a graceful shutdown: attempts
/// in flight can end within the grace period, and the remaining messages return to the queue.
#[derive(Debug, Args)]
#[command(after_help = "Environment:
  DATABASE_URL                   required; the schema is applied by `sigpost migrate`
  DATABASE_PASSWORD              password for a DATABASE_URL without one
  QSTASH_TOKEN                   required; token of the API (`sigpost tokens` creates more)
  QSTASH_CURRENT_SIGNING_KEY, QSTASH_NEXT_SIGNING_KEY
                                 signing keys of a new deployment (default: generated keys)
  ADMIN_TOKEN                    token of the admin API, /metrics and the console, at least 32 characters;
                                 without it they are disabled
  DATABASE_CONNECTIONS (8)  MAX_IN_FLIGHT (1024)  MAX_BODY_BYTES (10000000)
  LEASE_SECONDS (20)  LONGEST_ATTEMPT_SECONDS (7200)  SHUTDOWN_GRACE_SECONDS (25)
  TERMINATION_GRACE_SECONDS      seconds from SIGTERM to SIGKILL on your platform
  DEDUPLICATION_WINDOW_SECONDS (600)  DEDUPLICATION_RELEASE_ON_FAILURE (false)
  API_RATE_LIMIT_PER_SECOND (100)  MAX_CONNECTIONS_PER_ADDRESS (1024)  RUST_LOG (info)
  OTEL_EXPORTER_OTLP_ENDPOINT    collector of traces; docs/src/reference/settings.md lists the other variables
  ALERT_RULES                    thresholds of job health, as for check-job-health
  SIGV4_TARGETS                  hosts and patterns (*.on.aws); deliveries to them are signed with AWS
                                 Signature Version 4 for the service `lambda`

  `sigpost config check` lists all settings and their errors; `sigpost doctor` checks the deployment.

  A value can be a reference to AWS: ssm:PARAMETER or secretsmanager:SECRET#KEY. It is resolved once, at the start.")]
pub(crate) struct Serve {
    /// IP address and port to listen on, e.g. `0.0.0.0:8080` in a container. Default: LISTEN, or 127.0.0.1:8080.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Private targets that deliveries may go to: networks (10.0.0.0/8), addresses, hosts and patterns (*.internal),
    /// separated by commas. Default: none.
    #[arg(long, env = ALLOW_TARGETS.name, value_name = "LIST")]
    allow_targets: Option<String>,
    /// Connect to this address for deliveries to this host, and do not resolve its name. The request itself does not
    /// change. ADDR is an IP address, optionally with a port for URLs without one. For tests. Requires
    /// --allow-resolve. May be repeated.
    #[arg(long, value_name = "HOST=ADDR")]
    resolve: Vec<HostOverride>,
    /// Permit --resolve, which redirects deliveries.
    #[arg(long)]
    allow_resolve: bool,
    /// Accept messages and deliver none; another process delivers.
    #[arg(long)]
    no_delivery: bool,
    /// Log one JSON object per line.
    #[arg(long)]
    pub(crate) json_logs: bool,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<()> {
        ensure!(
            self.resolve.is_empty() || self.allow_resolve,
            "--resolve redirects deliveries and is for tests only; \
             remove it, or add --allow-resolve"
        );
        let (mut config, problems) = read();
        reject(&problems)?;
        traces::start()?;
        if let Some(list) = &self.allow_targets {
            config.address_policy = AddressPolicy::allowing(&env::split(list)).context("--allow-targets")?;
        }
        config.address_policy = config.address_policy.with_overrides(self.resolve);
        if self.no_delivery {
            config.dispatcher = None;
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
        match env::var(ADMIN_TOKEN)? {
            Some(admin_token) => {
                let admin_token = admin::AdminToken::new(&admin_token)?;
                let api_url = format!("http://{}", reached_at(listening));
                let rules = Rules::read(&mut Reading::as_far_as_set());
                let console = admin::ConsoleConfig { admin_token, api_url, api_token, jobs: Vec::new(), rules };
                router = router.merge(admin_routes(&app, &console)?);
            }
            None => tracing::warn!("ADMIN_TOKEN is not set: the admin API and the console are disabled"),
        }
        tracing::info!(listen = %listening, "sigpost serves");
        let served = serve::serve_on(listener, router, terminated).await;
        app.shutdown().await;
        traces::flush().await;
        served
    }
}

/// Builds the routes for operators: the admin API, `/metrics` with the metrics of this process, and the console.
pub(crate) fn admin_routes(app: &dispatch::App, console: &admin::ConsoleConfig) -> Result<Router> {
    let token = console.admin_token.clone();
    let measured = app.clone();
    let own: admin::OwnMetrics = Arc::new(move |registry| measured.register(registry));
    Ok(admin::router(app.lists(), admin::Authorization::Token(token.clone()), console.rules.clone())
        .merge(admin::metrics_router(app.lists(), token, own))
        .merge(admin::console(app.lists(), console)?))
}

/// Reads the settings of `serve` and returns them with their problems.
pub(crate) fn read() -> (dispatch::Config, Vec<Problem>) {
    let (config, mut problems) = dispatch::Config::read();
    problems.extend(config.dev_credentials());
    let mut reading = Reading::as_far_as_set();
    Rules::read(&mut reading);
    problems.append(&mut reading.problems);
    match env::var(ADMIN_TOKEN) {
        Err(why) => problems.push(Problem::error(ADMIN_TOKEN.name, format!("{why:#}"))),
        Ok(token) => problems.extend(admin_token(token.as_deref(), &config.token.0)),
    }
    (config, problems)
}

/// Validates ADMIN_TOKEN. A missing token is not a problem: the admin API is disabled, and `serve` logs it.
fn admin_token(admin: Option<&str>, api: &str) -> Option<Problem> {
    let token = admin?;
    let fix = "make one with `openssl rand -hex 32`";
    match admin::AdminToken::new(token) {
        Err(why) => Some(Problem::error(ADMIN_TOKEN.name, format!("{why}; {fix}"))),
        Ok(_) if token == api => {
            let text = "ADMIN_TOKEN equals QSTASH_TOKEN: every publisher has access to the admin API";
            Some(Problem::warning(ADMIN_TOKEN.name, format!("{text}; {fix}")))
        }
        Ok(_) => None,
    }
}
