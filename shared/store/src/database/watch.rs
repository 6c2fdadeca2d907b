//! Watches a connection's statements, and ends those without a response.
//!
//! TCP alone does not detect a frozen server, or a proxy that accepts data without forwarding it.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use diesel::ConnectionResult;
use diesel::connection::InstrumentationEvent;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::suspicion;

/// Time that a cancelled statement has to end, before its connection is closed.
const CANCEL_TIMEOUT: Duration = Duration::from_millis(500);

/// The statements of one connection.
#[derive(Default)]
pub(crate) struct Watch {
    /// Number of running statements: from the query until its first rows, or its end, arrive.
    running: AtomicUsize,
    /// Start of the last statement, in milliseconds of [`now_ms`].
    began_ms: AtomicU64,
    deadline_ms: u64,
    began: Notify,
}

impl Watch {
    /// Creates a watch with this timeout of statements.
    pub(super) fn new(deadline: Duration) -> Arc<Self> {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        Arc::new(Self { deadline_ms, ..Self::default() })
    }

    /// Records the statements, as the instrumentation of the connection.
    pub(super) fn record(&self, event: &InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.began_ms.store(now_ms(), Ordering::Relaxed);
                if self.running.fetch_add(1, Ordering::Relaxed) == 0 {
                    self.began.notify_one();
                }
            }
            InstrumentationEvent::FinishQuery { .. } => {
                self.running.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    /// Returns the time until the running statement is overdue; `None` without one.
    fn left(&self) -> Option<Duration> {
        let end_ms = self.began_ms.load(Ordering::Relaxed).saturating_add(self.deadline_ms);
        self.is_running().then(|| Duration::from_millis(end_ms.saturating_sub(now_ms())))
    }

    /// Waits until a statement is overdue.
    async fn overdue(&self) {
        loop {
            match self.left() {
                Some(Duration::ZERO) => return,
                Some(left) => sleep(left).await,
                None => self.began.notified().await,
            }
        }
    }
}

fn now_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Drives a connection until it is closed. An overdue statement is cancelled with `cancel`; if that does not end it, the
/// connection is closed, and every statement on it fails.
pub(crate) async fn drive<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    watch: Arc<Watch>,
    cancel: impl Fn() -> BoxFuture<'static, ConnectionResult<()>>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = poll_fn(move |context| connection.poll_message(context));
    loop {
        tokio::select! {
            message = &mut messages => match message {
                Some(Ok(_)) => continue,
                Some(Err(error)) => tracing::debug!(%error, "a connection to the database was closed"),
                None => {}
            },
            () = watch.overdue() => {
                suspicion::raise();
                tracing::warn!(deadline_ms = watch.deadline_ms, "cancelling a statement without a response");
                // On a connection of its own, before the close: a pooler may give a closed connection to another
                // client.
                let cancelled = cancel();
                let ended = async {
                    let _ = cancelled.await;
                    while watch.is_running() {
                        sleep(Duration::from_millis(10)).await;
                    }
                };
                let driven = async { while let Some(Ok(_)) = (&mut messages).await {} };
                tokio::select! {
                    () = driven => {}
                    ended = timeout(CANCEL_TIMEOUT, ended) => if ended.is_ok() { continue },
                }
                tracing::warn!("closing a database connection whose cancelled statement did not end");
            }
        }
        return;
    }
}
