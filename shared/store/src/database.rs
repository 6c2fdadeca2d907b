//! The pool of connections, and connections apart from it.

mod connection;
mod connector;
pub(crate) mod suspicion;
pub(crate) mod watch;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Pool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;

pub use self::connection::Connection;
use self::connector::Connector;
use crate::error::has_sqlstate;
use crate::{Error, tls};

/// How long to wait for a connection before the database counts as unavailable.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that was not used for longer is tested before it is used again. In Lambda the environment may have been
/// frozen meanwhile, and the server may have closed it without a packet that arrived.
pub const TRUSTED: Duration = Duration::from_secs(1);

/// How long a statement may take before it is cancelled, and its connection closed. Long enough for exports and the
/// deletion of old rows; see [`Database::with`].
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(10);

/// How long a statement may wait for a lock. An accept can meet a deduplication key that an open
/// transaction of an application has taken, and must not hold up all others for as long as that is open.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

statement! {
    /// The table has one row, and no index on a column that could change: the update needs no room in the long run.
    TestWrite {} -> ();
    "update signing_keys set rotated_at = rotated_at"
}

/// A handle to the deployment's database. Clones share the pool.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connector>,
    url: Arc<str>,
}

impl Database {
    /// A pool of at most `connections`; none is made before it is needed, so this does not fail for a database that is
    /// unavailable.
    ///
    /// # Errors
    ///
    /// The URL is not one of Postgres.
    pub fn new(url: &str, connections: usize) -> Result<Self, Error> {
        tls::check(url)?;
        Ok(Self::pool(url.into(), connections, STATEMENT_TIMEOUT))
    }

    /// Another pool to the same database, whose statements are cancelled after this time.
    #[must_use]
    pub fn with(&self, connections: usize, statement_timeout: Duration) -> Self {
        Self::pool(Arc::clone(&self.url), connections, statement_timeout)
    }

    fn pool(url: Arc<str>, connections: usize, deadline: Duration) -> Self {
        let connector = Connector { url: Arc::clone(&url), deadline };
        let pool = Pool::builder(connector).max_size(connections.max(1)).build();
        Self { pool: pool.expect("without timeouts of its own it needs no runtime"), url }
    }

    /// A connection, made or reused. Waits a few seconds at most.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn connection(&self) -> Result<Connection, Error> {
        match timeout(CONNECTION_TIMEOUT, Box::pin(self.pool.get())).await {
            Ok(object) => Ok(Connection::new(object?, Arc::clone(&self.url))),
            Err(_) => Err(no_connection()),
        }
    }

    /// A connection outside the pool. Its statements may take as long as they do.
    pub(crate) async fn dedicated_connection(&self) -> Result<AsyncPgConnection, Error> {
        match timeout(CONNECTION_TIMEOUT, Box::pin(tls::connect(&self.url))).await {
            Ok(connection) => Ok(connection?),
            Err(_) => Err(no_connection()),
        }
    }

    /// The URL it was made with; it holds the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One round trip, to know that the database responds.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn ping(&self) -> Result<(), Error> {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1"))
            .execute(&mut self.connection().await?)
            .await?;
        Ok(())
    }

    /// One write and its commit, to know that messages can be stored. It changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], or that of the write.
    pub async fn test_write(&self) -> Result<(), Error> {
        TestWrite { lifetime: PhantomData }.execute(&mut self.connection().await?).await?;
        Ok(())
    }
}

fn no_connection() -> Error {
    Error::Unavailable(format!("no connection within {} s", CONNECTION_TIMEOUT.as_secs()))
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("pool", &self.pool.status()).finish_non_exhaustive()
    }
}

/// Makes a database on a server that `server_url` connects to, as a copy of `template` if one is
/// given. One that is there already stays as it is. For development and tests.
pub async fn create(server_url: &str, name: &str, template: Option<&str>) -> Result<(), Error> {
    // The statement takes no binds for names; ours hold no quotes.
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let template = template.map(|template| format!(" template {}", quoted(template))).unwrap_or_default();
    let server = Database::new(server_url, 1)?;
    let created = diesel::sql_query(format!("create database {}{template}", quoted(name)))
        .execute(&mut server.connection().await?)
        .await;
    match created {
        Err(error) if has_sqlstate(&error, &SqlState::DUPLICATE_DATABASE) => Ok(()),
        result => result.map(|_| ()).map_err(Error::from),
    }
}
