//! A connection that is borrowed from the pool.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::InstrumentationEvent;
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::tls;

/// How long Postgres may take to be told that nobody waits for a statement.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection from the pool; it derefs to [`AsyncPgConnection`]. It goes back when it is dropped.
///
/// One that is dropped in the middle of a transaction is closed instead: Postgres takes everything back
/// at once. In the pool the transaction would stay open, with all its locks, until somebody else needs
/// the connection.
///
/// So is one that is dropped in the middle of a statement, and Postgres is asked to leave that off: it
/// would go on, with its locks, and who takes the connection next would wait for it. A statement is
/// under way until its first rows are there; those that are left are read by the way.
pub struct Connection {
    object: Option<Object<AsyncPgConnection>>,
    /// How many statements are under way.
    under_way: Arc<AtomicUsize>,
    url: Arc<str>,
}

impl Connection {
    /// To the database with this URL.
    pub(super) fn new(mut object: Object<AsyncPgConnection>, url: Arc<str>) -> Self {
        let under_way = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&under_way);
        object.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            match event {
                InstrumentationEvent::StartQuery { .. } => counted.fetch_add(1, Ordering::Relaxed),
                InstrumentationEvent::FinishQuery { .. } => counted.fetch_sub(1, Ordering::Relaxed),
                _ => 0,
            };
        });
        Self { object: Some(object), under_way, url }
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        self.object.as_deref().expect("it is there until it is dropped")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.object.as_deref_mut().expect("it is there until it is dropped")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        if self.under_way.load(Ordering::Relaxed) > 0 {
            leave_off(Object::take(object), Arc::clone(&self.url));
        } else if object.is_broken() {
            drop(Object::take(object));
        }
    }
}

/// Asks Postgres to leave off the connection's statement, and closes it. Not the other way round: a
/// pooler may give to others what is closed.
fn leave_off(conn: AsyncPgConnection, url: Arc<str>) {
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        // If Postgres cannot be reached there is nobody to tell: the statement ends by itself.
        let _ = timeout(CANCEL_TIMEOUT, tls::cancel(&url, conn.cancel_token())).await;
        drop(conn);
    });
}
