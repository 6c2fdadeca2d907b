//! The deployment to check: its settings, its database, its API.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::Url;
use sigpost_client::Credentials;
use sigpost_health::Rules;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::Problem;
use sigpost_store::diagnosis::server::{self, Server};
use sigpost_store::diagnosis::traffic::{self, Traffic};
use sigpost_store::health::{Numbers, measure};
use sigpost_store::metrics::Window;
use sigpost_store::{Connection, Database};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::commands::serve;

/// Timeout of HTTP requests.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// No connection to the database.
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
    /// Problems of the settings.
    pub(super) problems: Vec<Problem>,
    /// Thresholds of the health checks; the defaults if `ALERT_RULES` is invalid.
    pub(super) rules: Rules,
    pub(super) database: Database,
    /// One connection for all items, or the reason for its absence.
    session: Result<Mutex<Connection>, String>,
    /// Time to connect.
    pub(super) connected_in: Duration,
    /// URL of the API.
    pub(super) url: Option<Url>,
    pub(super) http: reqwest::Client,
    server: OnceCell<Server>,
    traffic: OnceCell<Traffic>,
    numbers: OnceCell<Numbers>,
}

impl Subject {
    /// Reads the settings and connects. A failed connection is not an error here; the items that need the database
    /// report it.
    pub(super) async fn new(url: Option<&str>) -> Result<Self> {
        let (config, problems) = serve::read();
        // One connection for the items, one to send notifications.
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
            rules: Rules::read(&mut Reading::as_far_as_set()),
            database,
            session,
            connected_in: begun_at.elapsed(),
            url,
            http: http.build().context("the HTTP client cannot be built")?,
            server: OnceCell::new(),
            traffic: OnceCell::new(),
            numbers: OnceCell::new(),
        })
    }

    /// Returns the connection to the database.
    pub(super) async fn session(&self) -> Result<MutexGuard<'_, Connection>> {
        match &self.session {
            Ok(session) => Ok(session.lock().await),
            Err(why) => Err(NoDatabase(why.clone()).into()),
        }
    }

    /// Measures the response time of the database on an open connection.
    pub(super) async fn round_trip(&self) -> Result<Duration> {
        self.connected()?;
        self.database.ping().await?;
        let begun_at = Instant::now();
        self.database.ping().await?;
        Ok(begun_at.elapsed())
    }

    /// Returns an error if there is no connection, for checks that open their own.
    pub(super) fn connected(&self) -> Result<()> {
        self.session.as_ref().map(|_| ()).map_err(|why| NoDatabase(why.clone()).into())
    }

    /// Whether the deployment runs in Lambda, where EventBridge Scheduler fires the schedules and no process listens.
    pub(super) fn in_lambda(&self) -> bool {
        self.config.event_bridge.is_some()
    }

    pub(super) async fn server(&self) -> Result<&Server> {
        self.server.get_or_try_init(async || Ok(server::look(&mut *self.session().await?).await?)).await
    }

    pub(super) async fn traffic(&self) -> Result<&Traffic> {
        self.traffic.get_or_try_init(async || Ok(traffic::look(&mut *self.session().await?).await?)).await
    }

    /// Returns the numbers of job health of the last hour. It leaves the rollups as they are.
    pub(super) async fn numbers(&self) -> Result<&Numbers> {
        let measured = async || Ok(measure(&mut *self.session().await?, Window::default()).await?);
        self.numbers.get_or_try_init(measured).await
    }

    /// Returns the credentials of the API.
    pub(super) fn token(&self) -> Credentials {
        Credentials::Token(self.config.token.0.clone())
    }
}
