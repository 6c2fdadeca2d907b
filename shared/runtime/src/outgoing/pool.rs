//! The pool of connections for further requests to the same origin.
//!
//! An HTTP/1.1 connection is removed for a request and returned after the response. An HTTP/2 connection stays in the
//! pool, and carries as many concurrent requests as its server allows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::target::Origin;
use super::{Connection, Failure, Http1, http2};

/// Time after which an idle connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum of idle HTTP/1.1 connections to all origins.
const MAX_IDLE: usize = 1024;

/// The connections of a client. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Kept>>);

/// The result of a search for a connection.
pub(super) enum Found {
    /// A connection that served an earlier request.
    Connection(Connection),
    /// No connection: the request makes its own.
    Nothing,
    /// No connection: the request makes one that others may share, and announces the result.
    Unknown(Announcement),
    /// No connection yet: another request makes one that this one may share.
    Announced(Announced),
}

/// Notifies the waiting requests: when dropped, that the connection exists; otherwise, why it could not be made.
pub(super) struct Announcement(watch::Sender<Option<Failure>>);

/// The receiving end of an [`Announcement`].
#[derive(Clone)]
pub(super) struct Announced(watch::Receiver<Option<Failure>>);

#[derive(Default)]
struct Kept {
    by_origin: HashMap<Arc<Origin>, OfOrigin>,
    /// Number of idle HTTP/1.1 connections.
    idle: usize,
    /// Whether a task removes idle connections.
    is_swept: bool,
}

#[derive(Default)]
struct OfOrigin {
    /// Idle HTTP/1.1 connections; the last one was used last.
    idle: Vec<(Http1, Instant)>,
    /// HTTP/2 connections, with the time of their last request.
    shared: Vec<(http2::Shared, Instant)>,
    /// Set while a connection is being made that may turn out to be HTTP/2.
    announced: Option<Announced>,
    /// Whether the last connection was HTTP/1.1: then requests do not wait for each other's connections.
    is_http1: bool,
    /// Connections that are being made.
    connecting: usize,
}

/// A connection that is being made. It is counted until this is dropped.
pub(super) struct Connecting {
    pool: Pool,
    origin: Arc<Origin>,
}

impl Pool {
    /// Counts a connection that is being made.
    pub(super) fn connecting(&self, origin: &Arc<Origin>) -> Connecting {
        let mut kept = self.lock();
        kept.by_origin.entry(Arc::clone(origin)).or_default().connecting += 1;
        self.start_sweep(&mut kept);
        Connecting { pool: self.clone(), origin: Arc::clone(origin) }
    }

    /// Returns the number of connections that are being made.
    pub(super) fn count_connecting(&self, origin: &Arc<Origin>) -> usize {
        self.lock().by_origin.get(origin).map_or(0, |of_origin| of_origin.connecting)
    }

    /// Finds a connection for a request.
    pub(super) fn find(&self, origin: &Arc<Origin>) -> Found {
        let mut kept = self.lock();
        let Kept { by_origin, idle, .. } = &mut *kept;
        let Some(of_origin) = by_origin.get_mut(origin) else {
            return if origin.is_encrypted { self.announce(&mut kept, origin) } else { Found::Nothing };
        };
        if let Some(connection) = of_origin.take(idle) {
            return Found::Connection(connection);
        }
        match &of_origin.announced {
            _ if of_origin.is_http1 || !origin.is_encrypted => Found::Nothing,
            Some(announced) if announced.is_pending() => Found::Announced(announced.clone()),
            _ => self.announce(&mut kept, origin),
        }
    }

    fn announce(&self, kept: &mut Kept, origin: &Arc<Origin>) -> Found {
        let (announcement, announced) = watch::channel(None);
        kept.by_origin.entry(Arc::clone(origin)).or_default().announced = Some(Announced(announced));
        self.start_sweep(kept);
        Found::Unknown(Announcement(announcement))
    }

    /// Records a new connection: an HTTP/2 connection is available to other requests from now on.
    pub(super) fn connected(&self, origin: &Arc<Origin>, connection: &Connection) {
        if !origin.is_encrypted {
            return;
        }
        let mut kept = self.lock();
        let of_origin = kept.by_origin.entry(Arc::clone(origin)).or_default();
        match connection {
            Connection::Http1(_) => of_origin.is_http1 = true,
            Connection::Http2(connection) => {
                of_origin.is_http1 = false;
                of_origin.shared.push((connection.share(), Instant::now()));
            }
        }
        self.start_sweep(&mut kept);
    }

    /// Returns a connection to the pool after its response.
    pub(super) fn keep(&self, origin: &Arc<Origin>, mut connection: Http1) {
        if connection.is_ready() {
            self.keep_ready(origin, connection);
            return;
        }
        // The connection's task has not seen the end of the exchange, or still sends a body to which the server
        // responded early.
        let (pool, origin) = (self.clone(), Arc::clone(origin));
        tokio::spawn(async move {
            if let Ok(Ok(())) = timeout(IDLE_TIMEOUT, connection.ready()).await {
                pool.keep_ready(&origin, connection);
            }
        });
    }

    fn keep_ready(&self, origin: &Arc<Origin>, connection: Http1) {
        let mut kept = self.lock();
        if kept.idle >= MAX_IDLE {
            return;
        }
        kept.idle += 1;
        let idle = (connection, Instant::now());
        match kept.by_origin.get_mut(origin) {
            Some(of_origin) => of_origin.idle.push(idle),
            None => kept.by_origin.entry(Arc::clone(origin)).or_default().idle.push(idle),
        }
        self.start_sweep(&mut kept);
    }

    fn start_sweep(&self, kept: &mut Kept) {
        if !std::mem::replace(&mut kept.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        lock(&self.0)
    }
}

impl OfOrigin {
    /// Removes and returns a connection for a request, and drops closed ones.
    fn take(&mut self, idle: &mut usize) -> Option<Connection> {
        self.shared.retain_mut(|(connection, _)| !connection.is_closed());
        for (connection, used) in &mut self.shared {
            if let Some(connection) = connection.try_use() {
                *used = Instant::now();
                return Some(Connection::Http2(connection));
            }
        }
        while let Some((connection, since)) = self.idle.pop() {
            *idle -= 1;
            if connection.is_ready() && since.elapsed() < IDLE_TIMEOUT {
                return Some(Connection::Http1(connection));
            }
        }
        None
    }

    /// Removes connections that are closed or were idle too long. Returns whether any are left.
    fn sweep(&mut self) -> bool {
        self.idle.retain(|(connection, since)| connection.is_ready() && since.elapsed() < IDLE_TIMEOUT);
        self.shared.retain_mut(|(connection, used)| {
            !connection.is_closed() && (connection.is_in_use() || used.elapsed() < IDLE_TIMEOUT)
        });
        let is_pending = self.announced.as_ref().is_some_and(Announced::is_pending);
        is_pending || self.connecting > 0 || !self.idle.is_empty() || !self.shared.is_empty()
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        if let Some(of_origin) = self.pool.lock().by_origin.get_mut(&self.origin) {
            of_origin.connecting -= 1;
        }
    }
}

impl Announcement {
    /// Notifies the waiting requests that the connection could not be made.
    pub(super) fn fail(self, failure: Failure) {
        self.0.send_replace(Some(failure));
    }
}

impl Announced {
    /// Waits until the pool has the connection. Another request may use it first.
    ///
    /// # Errors
    ///
    /// The connection could not be made; one for this request would fail as well.
    pub(super) async fn wait(mut self) -> Result<(), Failure> {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(failure)) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    fn is_pending(&self) -> bool {
        self.0.has_changed().is_ok()
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes connections that were idle too long, until none are left.
async fn sweep(kept: Weak<Mutex<Kept>>) {
    loop {
        sleep(IDLE_TIMEOUT).await;
        let Some(kept) = kept.upgrade() else { return };
        let mut kept = lock(&kept);
        kept.by_origin.retain(|_, of_origin| of_origin.sweep());
        kept.idle = kept.by_origin.values().map(|of_origin| of_origin.idle.len()).sum();
        if kept.by_origin.is_empty() {
            kept.is_swept = false;
            return;
        }
    }
}
