//! The connection pool, and dedicated connections.

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

/// Time after which the database counts as unavailable if there is no connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that was idle for longer is tested before it is used. In Lambda the environment may have been frozen,
/// and the server may have closed the connection without a packet that arrived.
pub const TRUSTED: Duration = Duration::from_secs(1);

/// Timeout of a statement, after which it is cancelled and its connection closed. Long enough for exports and the
/// deletion of old rows; see [`Database::with`].
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(10);

/// Timeout of a wait for a lock. An accept can meet a deduplication key that an open transaction of an application
/// has locked, and must not delay all others for as long as that is open.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

statement! {
    /// The table has one row, and no index on a column that could change, so the update does not bloat it.
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
    /// Creates a pool of at most `connections`. It connects on demand, so this succeeds while the database is
    /// unavailable.
    ///
    /// # Errors
    ///
    /// The URL is not a Postgres URL.
    pub fn new(url: &str, connections: usize) -> Result<Self, Error> {
        tls::check(url)?;
        Ok(Self::pool(url.into(), connections, STATEMENT_TIMEOUT))
    }

    /// Returns another pool to the same database, with this timeout of statements.
    #[must_use]
    pub fn with(&self, connections: usize, statement_timeout: Duration) -> Self {
        Self::pool(Arc::clone(&self.url), connections, statement_timeout)
    }

    fn pool(url: Arc<str>, connections: usize, deadline: Duration) -> Self {
        let connector = Connector { url: Arc::clone(&url), deadline };
        let pool = Pool::builder(connector).max_size(connections.max(1)).build();
        Self { pool: pool.expect("without timeouts of its own it needs no runtime"), url }
    }

    /// Returns a new or reused connection. Waits for a few seconds at most.
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

    /// Returns a connection outside the pool, whose statements have no timeout.
    pub(crate) async fn dedicated_connection(&self) -> Result<AsyncPgConnection, Error> {
        match timeout(CONNECTION_TIMEOUT, Box::pin(tls::connect(&self.url))).await {
            Ok(connection) => Ok(connection?),
            Err(_) => Err(no_connection()),
        }
    }

    /// Returns the URL of the database, which contains the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Tests in one round trip that the database responds.
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

    /// Tests with one write and its commit that messages can be stored. It changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], or the error of the write.
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

/// Creates a database on the server at `server_url`, as a copy of `template` if one is given. Does nothing if it
/// exists. For development and tests.
pub async fn create(server_url: &str, name: &str, template: Option<&str>) -> Result<(), Error> {
    // The statement has no binds for names; quotes in names are escaped.
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
