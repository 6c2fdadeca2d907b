//! A connection that is borrowed from the pool.

use std::ops::{Deref, DerefMut};

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::pooled_connection::deadpool::Object;

/// A connection from the pool; it derefs to [`AsyncPgConnection`]. It goes back when it is dropped.
///
/// One that is dropped in the middle of a transaction is closed instead: Postgres takes everything back
/// at once. In the pool the transaction would stay open, with all its locks, until somebody else needs
/// the connection.
pub struct Connection(Option<Object<AsyncPgConnection>>);

impl From<Object<AsyncPgConnection>> for Connection {
    fn from(object: Object<AsyncPgConnection>) -> Self {
        Self(Some(object))
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        self.0.as_deref().expect("it is there until it is dropped")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.0.as_deref_mut().expect("it is there until it is dropped")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(mut object) = self.0.take()
            && object.is_broken()
        {
            drop(Object::take(object));
        }
    }
}
