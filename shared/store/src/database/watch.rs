//! A connection's statements, and the end of those that get no response.
//!
//! TCP alone does not find a server that is frozen, or a proxy that takes everything and passes nothing on.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use diesel::connection::InstrumentationEvent;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::CancelToken;

use super::suspicion;
use crate::tls;

/// How long a statement that is cancelled may take to end, before its connection is closed.
const CANCEL_TIMEOUT: Duration = Duration::from_millis(500);

/// The statements of one connection.
#[derive(Default)]
pub(crate) struct Watch {
    /// How many are under way: from the query until its first rows, or its end, are there.
    under_way: AtomicUsize,
    /// When the last one began, in milliseconds of [`now_ms`].
    began_ms: AtomicU64,
    deadline_ms: u64,
    began: Notify,
}

impl Watch {
    /// With the time that a statement may take.
    pub(super) fn new(deadline: Duration) -> Arc<Self> {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        Arc::new(Self { deadline_ms, ..Self::default() })
    }

    /// Follows the statements, as the instrumentation of the connection.
    pub(super) fn record(&self, event: &InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.began_ms.store(now_ms(), Ordering::Relaxed);
                if self.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
                    self.began.notify_one();
                }
            }
            InstrumentationEvent::FinishQuery { .. } => {
                self.under_way.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }

    /// How long until the statement under way is overdue; `None` when there is none.
    fn left(&self) -> Option<Duration> {
        let end_ms = self.began_ms.load(Ordering::Relaxed).saturating_add(self.deadline_ms);
        self.is_under_way().then(|| Duration::from_millis(end_ms.saturating_sub(now_ms())))
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

/// Drives a connection until it is closed. When a statement is overdue, it is cancelled; when that does not end it, the
/// connection is closed, and every statement on it fails.
pub(crate) async fn drive<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    watch: Arc<Watch>,
    cancel: CancelToken,
    url: Arc<str>,
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
                tracing::warn!(deadline_ms = watch.deadline_ms, "a statement got no response in time and is cancelled");
                // On a connection of its own; a pooler may give to others what is closed before.
                let cancelled = tls::cancel(&url, cancel.clone());
                let ended = async {
                    let _ = cancelled.await;
                    while watch.is_under_way() {
                        sleep(Duration::from_millis(10)).await;
                    }
                };
                let driven = async { while let Some(Ok(_)) = (&mut messages).await {} };
                tokio::select! {
                    () = driven => {}
                    ended = timeout(CANCEL_TIMEOUT, ended) => if ended.is_ok() { continue },
                }
                tracing::warn!("a connection to the database is closed: a statement on it does not end");
            }
        }
        return;
    }
}
