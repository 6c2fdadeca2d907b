//! A connection that is borrowed from the pool.

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

/// How long Postgres may take to cancel a statement whose result is no longer wanted.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// What a statement may carry for its connection to be used again. A new one costs less than to send so much.
const KEPT_BUFFER: usize = 2 * 1024 * 1024;

/// A connection from the pool; it derefs to [`AsyncPgConnection`]. It goes back when it is dropped.
///
/// One that is dropped in the middle of a transaction is closed instead: Postgres rolls it back at once. In the pool the
/// transaction would stay open, with all its locks, until the next use of the connection.
///
/// So is one that is dropped in the middle of a statement, and Postgres is asked to cancel that: it would go on, with its
/// locks, and the next use of the connection would wait for it. A statement is under way until its first rows are there.
pub struct Connection {
    object: Option<Object<Connector>>,
    url: Arc<str>,
}

impl Connection {
    /// To the database with this URL.
    pub(super) fn new(object: Object<Connector>, url: Arc<str>) -> Self {
        Self { object: Some(object), url }
    }

    /// Ends the use for a statement with so many bytes. After a large one the connection is closed: its buffers have grown
    /// to the size of the statement, and would keep it.
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
        if object.watch.is_under_way() {
            cancel(Object::take(object).conn, Arc::clone(&self.url));
        } else if object.conn.is_broken() {
            drop(Object::take(object));
        }
    }
}

/// Asks Postgres to cancel the connection's statement, and closes it. Not the other way round: a
/// pooler may give to others what is closed.
fn cancel(conn: AsyncPgConnection, url: Arc<str>) {
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        // If Postgres cannot be reached the statement ends by itself.
        let _ = timeout(CANCEL_TIMEOUT, tls::cancel(&url, conn.cancel_token())).await;
        drop(conn);
    });
}
