//! The pool of connections, and one connection apart for LISTEN.

mod connection;

use std::sync::Arc;
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::{Hook, HookError, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use tokio::time::timeout;

pub use self::connection::Connection;
use crate::{Error, tls};

/// How long to wait for a connection before the database counts as away.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that was not used for longer is asked whether it lives before it is used again. In
/// Lambda the environment may have been frozen meanwhile, and its server gone without a word.
pub const TRUSTED: Duration = Duration::from_secs(1);

/// How long such a connection may take to answer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How long a statement may wait for a lock. An accept can meet a deduplication key that an open
/// transaction of an application has taken, and must not hold up all others for as long as that is open.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// A handle to the deployment's database. Clones share the pool.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    url: Arc<str>,
}

impl Database {
    /// A pool of at most `connections`; none is made before it is needed, so this never fails for a
    /// database that is away.
    pub fn new(url: &str, connections: usize) -> Result<Self, Error> {
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(|url| tls::connect(url, Some(LOCK_TIMEOUT)).boxed());
        // A check before each use would cost a round trip each: see `TRUSTED`. A dead connection that
        // nobody has noticed shows itself when it is used, and is not given out again.
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(connections.max(1))
            .pre_recycle(Hook::async_fn(|conn, metrics| {
                let idle = metrics.last_used() > TRUSTED;
                async move { if idle { sign_of_life(conn).await } else { Ok(()) } }.boxed()
            }))
            .build()
            .map_err(|why| Error::Unavailable(why.to_string()))?;
        Ok(Self { pool, url: url.into() })
    }

    /// A connection, made or reused. Waits a few seconds at most.
    pub async fn connection(&self) -> Result<Connection, Error> {
        match timeout(CONNECTION_TIMEOUT, self.pool.get()).await {
            Ok(object) => Ok(Connection::new(object?, Arc::clone(&self.url))),
            Err(_) => Err(Error::Unavailable("no connection within 3 s".into())),
        }
    }

    /// A connection of one's own, outside the pool.
    pub(crate) async fn dedicated_connection(&self) -> Result<AsyncPgConnection, Error> {
        match timeout(CONNECTION_TIMEOUT, tls::connect(&self.url, None)).await {
            Ok(connection) => connection.map_err(|why| Error::Unavailable(why.to_string())),
            Err(_) => Err(Error::Unavailable("no connection within 3 s".into())),
        }
    }

    /// The URL it was made with; it holds the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One round trip, to know that the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        use diesel_async::RunQueryDsl;
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1"))
            .execute(&mut self.connection().await?)
            .await?;
        Ok(())
    }
}

/// An empty query: a round trip in which Postgres has nothing to do.
async fn sign_of_life(conn: &mut AsyncPgConnection) -> Result<(), HookError> {
    match timeout(SIGN_OF_LIFE, conn.batch_execute("")).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(HookError::message(why.to_string())),
        Err(_) => Err(HookError::message("no sign of life")),
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("pool", &self.pool.status()).finish_non_exhaustive()
    }
}

/// Makes a database on a server that `server_url` connects to, as a copy of `template` if one is
/// given. One that is there already stays as it is. For development and tests.
pub async fn create(server_url: &str, name: &str, template: Option<&str>) -> Result<(), Error> {
    use diesel_async::RunQueryDsl;
    // The statement takes no binds for names; ours hold no quotes.
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let template = template.map(|template| format!(" template {}", quoted(template))).unwrap_or_default();
    let server = Database::new(server_url, 1)?;
    let created = diesel::sql_query(format!("create database {}{template}", quoted(name)))
        .execute(&mut server.connection().await?)
        .await;
    match created {
        Err(diesel::result::Error::DatabaseError(_, information))
            if information.message().ends_with("already exists") =>
        {
            Ok(())
        }
        result => result.map(|_| ()).map_err(Error::from),
    }
}
