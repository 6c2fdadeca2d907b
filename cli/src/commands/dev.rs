//! `sigpost dev`: everything in one process, on an embedded Postgres.

mod database;
mod welcome;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Result;
use axum::Router;

use sigpost::jobs;
use sigpost_jobs::Harness;
use sigpost_qstash::{DEV_TOKEN, Limits, SigningKeys};
use sigpost_runtime::settings::{Problem, refuse};
use sigpost_runtime::{AddressPolicy, HostOverride, Reading, serve, traces};
use sigpost_store::Database;

use self::database::DevDatabase;
use super::config::functions;
use super::health::reached_at;
use super::serve::admin_routes;

/// Connections of the job handlers together.
const HANDLERS_CONNECTIONS: usize = 8;

/// Run everything on this machine: Postgres, the API, delivery, the job handlers, the entrance for webhooks, the admin API
/// and the console.
///
/// It uses QStash's public development credentials, so that the SDKs' development mode finds it, and
/// may push to this machine. For anything but trying and developing there is `sigpost serve`.
#[derive(Debug, clap::Parser)]
pub(crate) struct Dev {
    /// The port of the API.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on. Anybody who reaches it may publish: the credentials are public.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    listen: IpAddr,
    /// Where the embedded Postgres keeps its data, and exports and reports go (into `files`) unless FILES_URL
    /// says otherwise.
    #[arg(long, env = "SIGPOST_DATA_DIR", default_value = ".sigpost", value_name = "DIR")]
    data_dir: PathBuf,
    /// Use this database instead of an embedded one. The schema is applied to it.
    #[arg(long, env = "SIGPOST_DEV_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// Connect to this address for pushes to this host, whatever its name resolves to; the rest of the
    /// request stays as its URL has it. ADDR is an address, or an address and a port for URLs without
    /// one. For tests; may be given several times.
    #[arg(long, value_name = "HOST=ADDR")]
    resolve: Vec<HostOverride>,
    /// Log as JSON, one object a line.
    #[arg(long)]
    pub(crate) json_logs: bool,
}

impl Dev {
    pub(crate) async fn run(self) -> Result<()> {
        refuse(&problems())?;
        traces::start()?;
        // First of all, so that a taken port is known before anything is started.
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
        println!("stopping: deliveries under way may end");
        app.shutdown().await;
        traces::flush().await;
        database.stop().await?;
        served
    }
}

/// What is wrong with the settings of this process and of all functions, as far as they are set.
fn problems() -> Vec<Problem> {
    let mut problems = Reading::of_process().problems;
    // An option says where this listens.
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
        engine: Some(dispatch::engine::Settings::default()),
    }
}

/// The functions that are Lambda functions of their own when deployed, behind the same port. They
/// share the live keys, so that a rotation here needs no restart.
fn functions(app: &dispatch::App, base_url: &str, data_dir: &Path) -> Result<Router> {
    // Handlers have connections of their own, as when deployed: their statements may take longer than the dispatcher's.
    let database = Database::new(app.database().url(), HANDLERS_CONNECTIONS)?;
    let harness = Harness::new(database, app.keys(), base_url);
    harness.stop_at_signals();
    let mut reading = Reading::as_far_as_set();
    let ingress = ingress::Config::read_for_dev(&mut reading, base_url);
    let ingress = ingress::router(reading.finish(ingress)?, app.database());
    Ok(jobs::router(jobs::Dev::new(&harness, data_dir))?.merge(ingress).merge(admin_routes(app, &console(base_url))?))
}

/// With every job to choose from: their handlers are here.
fn console(base_url: &str) -> admin::ConsoleConfig {
    admin::ConsoleConfig {
        admin_token: admin::AdminToken::dev(),
        api_url: base_url.to_owned(),
        api_token: DEV_TOKEN.to_owned(),
        jobs: jobs::JOBS.iter().map(|job| (job.name.to_owned(), format!("{base_url}{}", job.endpoint))).collect(),
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

and publish a job (deletes what is older than 90 days), then ask how jobs are doing:

  curl -X POST {base_url}/v2/publish/{base_url}{cleanup} \\
    -H \"Authorization: Bearer $QSTASH_TOKEN\" -H 'Content-Type: application/json' -d '{{\"retention\": 90}}'
  curl -H \"Authorization: Bearer $QSTASH_TOKEN\" {base_url}/api/admin/job-health

The console is at {base_url}/console, and its token is $QSTASH_TOKEN.

Ctrl-C stops it.",
        current = keys.current,
        next = keys.next,
        cleanup = <cleanup_old_data::CleanupOldData as sigpost_jobs::Job>::ENDPOINT,
    );
}
