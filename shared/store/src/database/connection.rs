//! A pooled connection.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Object;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::PoolableConnection;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::connector::{Connector, Pooled};
use crate::tls;

/// Timeout of the cancellation of a statement whose result is no longer needed.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// Maximum statement size in bytes for a connection to be reused. A new connection costs less than sending so much.
const KEPT_BUFFER: usize = 2 * 1024 * 1024;

/// A connection from the pool; it derefs to [`AsyncPgConnection`]. It returns to the pool on drop.
///
/// If dropped within a transaction, it is closed instead, and Postgres rolls back immediately. In the pool the
/// transaction would stay open, with all its locks, until the next use of the connection.
///
/// If dropped within a statement, it is closed as well, and Postgres is asked to cancel the statement, which would
/// otherwise keep running with its locks, and the next use of the connection would wait for it. A statement is
/// running until its first rows arrive.
pub struct Connection {
    object: Option<Object<Connector>>,
    url: Arc<str>,
}

impl Connection {
    /// Wraps a pooled connection to the database with this URL.
    pub(super) fn new(object: Object<Connector>, url: Arc<str>) -> Self {
        Self { object: Some(object), url }
    }

    /// Releases the connection after a statement of this size in bytes. After a large one the connection is closed:
    /// its buffers have grown to the size of the statement, and would not shrink.
    pub fn done_with(mut self, bytes: usize) {
        if bytes > KEPT_BUFFER {
            self.object.take().map(Object::take);
        }
    }

    fn pooled(&self) -> &Pooled {
        self.object.as_deref().expect("it is there until it is dropped")
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.pooled().conn
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.object.as_deref_mut().expect("it is there until it is dropped").conn
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        if object.watch.is_running() {
            cancel(Object::take(object).conn, Arc::clone(&self.url));
        } else if object.conn.is_broken() {
            drop(Object::take(object));
        }
    }
}

/// Asks Postgres to cancel the connection's statement, then closes the connection. In this order, since a pooler may
/// give a closed connection to another client.
fn cancel(conn: AsyncPgConnection, url: Arc<str>) {
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        // If Postgres cannot be reached, the statement ends by itself.
        let _ = timeout(CANCEL_TIMEOUT, tls::cancel(&url, conn.cancel_token())).await;
        drop(conn);
    });
}
