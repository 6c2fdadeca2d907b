//! The deployment that is examined: its settings, its database, its API.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::Url;
use sigpost_runtime::settings::Problem;
use sigpost_store::diagnosis::server::{self, Server};
use sigpost_store::diagnosis::traffic::{self, Traffic};
use sigpost_store::{Connection, Database};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::commands::serve;

/// How long an answer of the API or of somebody else may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// There is no session with the database.
#[derive(Debug)]
pub(super) struct NoDatabase(String);

impl fmt::Display for NoDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoDatabase {}

pub(super) struct Subject {
    pub(super) config: dispatch::Config,
    /// What is wrong with the settings.
    pub(super) problems: Vec<Problem>,
    pub(super) database: Database,
    /// One session for all items, or why there is none.
    session: Result<Mutex<Connection>, String>,
    /// How long it took to get it.
    pub(super) connected_in: Duration,
    /// Where the API is.
    pub(super) url: Option<Url>,
    pub(super) http: reqwest::Client,
    server: OnceCell<Server>,
    traffic: OnceCell<Traffic>,
}

impl Subject {
    /// Reads the settings and connects. A database that does not answer is no error here, but the
    /// finding of every item that needs it.
    pub(super) async fn new(url: Option<&str>) -> Result<Self> {
        let (config, problems) = serve::read();
        // One for the items, one to notify from.
        let database = Database::new(&config.database_url.0, 2)?;
        let begun_at = Instant::now();
        let session = match config.database_url.0.is_empty() {
            true => Err("DATABASE_URL is not set".to_owned()),
            false => database.connection().await.map(Mutex::new).map_err(|why| why.to_string()),
        };
        let url =
            url.map(|text| Url::parse(text).with_context(|| format!("--url: {text:?} is not a URL"))).transpose()?;
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            config,
            problems,
            database,
            session,
            connected_in: begun_at.elapsed(),
            url,
            http: http.build().context("the HTTP client cannot be built")?,
            server: OnceCell::new(),
            traffic: OnceCell::new(),
        })
    }

    /// The session with the database.
    pub(super) async fn session(&self) -> Result<MutexGuard<'_, Connection>> {
        match &self.session {
            Ok(session) => Ok(session.lock().await),
            Err(why) => Err(NoDatabase(why.clone()).into()),
        }
    }

    /// How long the database takes to answer where a connection is there already.
    pub(super) async fn round_trip(&self) -> Result<Duration> {
        self.connected()?;
        self.database.ping().await?;
        let begun_at = Instant::now();
        self.database.ping().await?;
        Ok(begun_at.elapsed())
    }

    /// Whether there is a session: for who makes one of its own.
    pub(super) fn connected(&self) -> Result<()> {
        self.session.as_ref().map(|_| ()).map_err(|why| NoDatabase(why.clone()).into())
    }

    /// Whether schedules are fired by EventBridge Scheduler: the deployment is in Lambda, where no
    /// process listens or stops.
    pub(super) fn in_lambda(&self) -> bool {
        self.config.event_bridge.is_some()
    }

    pub(super) async fn server(&self) -> Result<&Server> {
        self.server.get_or_try_init(async || Ok(server::look(&mut *self.session().await?).await?)).await
    }

    pub(super) async fn traffic(&self) -> Result<&Traffic> {
        self.traffic.get_or_try_init(async || Ok(traffic::look(&mut *self.session().await?).await?)).await
    }

    /// A path of the API.
    pub(super) fn api(&self, path: &str) -> Option<String> {
        self.url.as_ref().map(|url| format!("{}{path}", url.as_str().trim_end_matches('/')))
    }
}
