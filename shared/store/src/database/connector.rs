//! Creates the connections of the pool, and decides whether they can be reused.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use diesel::sql_types::Text;
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use tokio::time::timeout;

use super::watch::Watch;
use super::{CONNECTION_TIMEOUT, LOCK_TIMEOUT, TRUSTED, suspicion};
use crate::tls;

/// Timeout of the test of a connection.
const TEST_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes the connections of a pool.
pub(super) struct Connector {
    pub(super) url: Arc<str>,
    /// Timeout of a statement.
    pub(super) deadline: Duration,
}

/// A connection in the pool.
pub(super) struct Pooled {
    pub(super) conn: AsyncPgConnection,
    pub(super) watch: Arc<Watch>,
}

statement! {
    ReadOnly {} -> Text;
    "select current_setting('transaction_read_only')"
}

impl Connector {
    async fn connect(&self) -> ConnectionResult<Pooled> {
        let watch = Watch::new(self.deadline);
        let mut conn = tls::connect_watched(&self.url, LOCK_TIMEOUT, Arc::clone(&watch)).await?;
        let recorded = Arc::clone(&watch);
        conn.set_instrumentation(move |event: diesel::connection::InstrumentationEvent<'_>| recorded.record(&event));
        Ok(Pooled { conn, watch })
    }
}

impl Manager for Connector {
    type Type = Pooled;
    type Error = ConnectionError;

    async fn create(&self) -> ConnectionResult<Pooled> {
        let late = || {
            let text = format!("no connection within {} s", CONNECTION_TIMEOUT.as_secs());
            Err(ConnectionError::BadConnection(text))
        };
        // Boxed: otherwise the future of every statement would be larger.
        timeout(CONNECTION_TIMEOUT, Box::pin(self.connect())).await.unwrap_or_else(|_| late())
    }

    /// Tests only connections that were idle for a while, since a test costs a round trip. A connection is replaced
    /// without a test if another one has failed since its last use: that may have been a failover.
    async fn recycle(&self, pooled: &mut Pooled, metrics: &Metrics) -> RecycleResult<ConnectionError> {
        if pooled.conn.is_broken() || pooled.watch.is_running() {
            return Err(RecycleError::message("the connection is closed"));
        }
        let used: Instant = metrics.recycled.unwrap_or(metrics.created);
        if suspicion::is_raised_since(used) {
            return Err(RecycleError::message("another connection failed"));
        }
        if used.elapsed() <= TRUSTED {
            return Ok(());
        }
        let read_only = ReadOnly { lifetime: PhantomData }.get_result::<String>(&mut pooled.conn);
        match timeout(TEST_TIMEOUT, Box::pin(read_only)).await {
            Ok(Ok(read_only)) if read_only == "off" => Ok(()),
            Ok(Ok(_)) => Err(RecycleError::message("the server has become read-only")),
            Ok(Err(error)) => Err(RecycleError::message(error.to_string())),
            Err(_) => Err(RecycleError::message("the connection does not respond")),
        }
    }
}
