//! `sigpost dev`: all components in one process, on an embedded Postgres.

mod database;
mod welcome;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Result;
use axum::Router;

use sigpost::jobs;
use sigpost_health::Rules;
use sigpost_jobs::Harness;
use sigpost_qstash::{DEV_TOKEN, Limits, SigningKeys};
use sigpost_runtime::settings::{Problem, SIGPOST_DATA_DIR, SIGPOST_DEV_DATABASE_URL, reject};
use sigpost_runtime::{AddressPolicy, HostOverride, Reading, serve, traces};
use sigpost_store::Database;

use self::database::DevDatabase;
use super::config::functions;
use super::health::reached_at;
use super::serve::admin_routes;

/// Database connections that all job handlers share.
const HANDLERS_CONNECTIONS: usize = 8;

/// Run all components in one process, for development: Postgres, dispatcher, job handlers, webhook ingress, APIs, console.
///
/// It uses QStash's public development credentials, which the development mode of the SDKs expects, and delivers
/// to addresses of this machine. In production, use `sigpost serve`.
#[derive(Debug, clap::Parser)]
pub(crate) struct Dev {
    /// Port of the API; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// IP address to listen on. Any client of the address can publish: the credentials are public.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    listen: IpAddr,
    /// Folder for the data of the embedded Postgres. Exports and reports go to `files` in it, unless FILES_URL is
    /// set.
    #[arg(long, env = SIGPOST_DATA_DIR.name, default_value = SIGPOST_DATA_DIR.default_text("dev"), value_name = "DIR")]
    data_dir: PathBuf,
    /// Database to use instead of the embedded one. The schema is applied to it.
    #[arg(long, env = SIGPOST_DEV_DATABASE_URL.name, hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// Connect to this address for deliveries to this host, and do not resolve its name. The request itself does not
    /// change. ADDR is an IP address, optionally with a port for URLs without one. For tests. May be repeated.
    #[arg(long, value_name = "HOST=ADDR")]
    resolve: Vec<HostOverride>,
    /// Log one JSON object per line.
    #[arg(long)]
    pub(crate) json_logs: bool,
}

impl Dev {
    pub(crate) async fn run(self) -> Result<()> {
        reject(&problems())?;
        traces::start()?;
        // Bind first: a port that is in use fails before Postgres starts.
        let listener = serve::bind(SocketAddr::new(self.listen, self.port)).await?;
        let base_url = format!("http://{}", reached_at(listener.local_addr()?));

        let database = match &self.database_url {
            Some(url) => DevDatabase::existing(url).await?,
            None => DevDatabase::embedded(self.data_dir.clone()).await?,
        };
        let app = dispatch::App::start(config(database.url(), self.resolve)).await?;
        let router = app.router().merge(functions(&app, &base_url, &self.data_dir)?);
        let server = tokio::spawn(serve::serve_on(listener, router, serve::terminated()));

        if database.is_new() {
            welcome::publish_and_watch(&app, &base_url).await?;
        }
        print_environment(&base_url, &app.keys().keys().signing_keys);

        let served = server.await?;
        println!("stopping: waiting for attempts in flight");
        app.shutdown().await;
        traces::flush().await;
        database.stop().await?;
        served
    }
}

/// Returns the problems of the settings of this process and of all functions.
fn problems() -> Vec<Problem> {
    let mut problems = Reading::of_process().problems;
    // `dev` takes the address from its flags.
    problems.retain(|problem| problem.setting != "LISTEN");
    problems.extend(functions::of_dev());
    problems
}

fn config(database_url: &str, overrides: Vec<HostOverride>) -> dispatch::Config {
    dispatch::Config {
        database_url: dispatch::config::Secret(database_url.to_owned()),
        database_connections: 8,
        token: dispatch::config::Secret(DEV_TOKEN.to_owned()),
        api_rate_limit: None,
        first_keys: SigningKeys::dev(),
        limits: Limits::default(),
        bodies: dispatch::BodyBudget::default(),
        address_policy: AddressPolicy::with_loopback().with_overrides(overrides),
        deduplicating: dispatch::Deduplicating::default(),
        event_bridge: None,
        dispatcher: Some(dispatch::dispatcher::Settings::default()),
    }
}

/// Builds the routes of the components that are separate Lambda functions when deployed. They share the live signing
/// keys, so a rotation needs no restart.
fn functions(app: &dispatch::App, base_url: &str, data_dir: &Path) -> Result<Router> {
    // Handlers have a connection pool of their own, as when deployed: their statements may take longer than the dispatcher's.
    let database = Database::new(app.database().url(), HANDLERS_CONNECTIONS)?;
    let harness = Harness::new(database, app.keys(), base_url);
    harness.stop_at_signals();
    let mut reading = Reading::as_far_as_set();
    let ingress = ingress::Config::read_for_dev(&mut reading, base_url);
    let ingress = ingress::router(reading.finish(ingress)?, app.database());
    Ok(jobs::router(jobs::Dev::new(&harness, data_dir))?.merge(ingress).merge(admin_routes(app, &console(base_url))?))
}

/// Configures the console with the endpoints of all job types, whose handlers run in this process.
fn console(base_url: &str) -> admin::ConsoleConfig {
    admin::ConsoleConfig {
        admin_token: admin::AdminToken::dev(),
        api_url: base_url.to_owned(),
        api_token: DEV_TOKEN.to_owned(),
        jobs: jobs::JOBS.iter().map(|job| (job.name.to_owned(), format!("{base_url}{}", job.endpoint))).collect(),
        rules: Rules::read(&mut Reading::as_far_as_set()),
    }
}

fn print_environment(base_url: &str, keys: &SigningKeys) {
    println!(
        "
sigpost runs on {base_url}. Paste this into a shell:

  export QSTASH_URL={base_url}
  export QSTASH_TOKEN={DEV_TOKEN}
  export QSTASH_CURRENT_SIGNING_KEY={current}
  export QSTASH_NEXT_SIGNING_KEY={next}

Publish a job, which deletes data older than 90 days, and request the health of the jobs:

  curl -X POST {base_url}/v2/publish/{base_url}{cleanup} \\
    -H \"Authorization: Bearer $QSTASH_TOKEN\" -H 'Content-Type: application/json' -d '{{\"retention\": 90}}'
  curl -H \"Authorization: Bearer $QSTASH_TOKEN\" {base_url}/api/admin/job-health

The console is at {base_url}/console, and its token is $QSTASH_TOKEN.

Ctrl-C stops it.",
        current = keys.current,
        next = keys.next,
        cleanup = <sigpost_jobs::payloads::CleanupOldData as sigpost_jobs::Job>::ENDPOINT,
    );
}
