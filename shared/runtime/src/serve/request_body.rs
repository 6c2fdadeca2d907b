//! Timeouts of request bodies. The server bounds every body before the router sees the request, so that every route
//! is covered.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{Extensions, HeaderValue, Request, header};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use sigpost_qstash::ErrorCode;
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::{Activity, Phase};
use super::open::Busy;
use crate::ApiError;

/// Maximum time between two parts of a body.
const IDLE: Duration = Duration::from_secs(10);
/// Maximum time of a whole body, unless [`BodyTime::allow`] sets another one. It grows by a second for each
/// [`BYTES_PER_SECOND`] received: the declared length is not trusted.
const TOTAL: Duration = Duration::from_secs(5);
/// Minimum rate of a large body.
pub const BYTES_PER_SECOND: usize = 128 * 1024;

/// The timeouts of a request's body. Requests with a body have them as an extension.
#[derive(Clone, Debug)]
pub struct BodyTime(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total_ms: AtomicU64,
    late: OnceLock<Late>,
}

impl BodyTime {
    /// Sets the total time for the body of this request. It counts from the first byte that the route waits for.
    pub fn allow(extensions: &Extensions, total: Duration) {
        if let Some(Self(shared)) = extensions.get::<Self>() {
            shared.total_ms.store(u64::try_from(total.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Returns the timeout that the body exceeded.
    pub(super) fn late(&self) -> Option<Late> {
        self.0.late.get().copied()
    }

    fn total(&self, received: usize) -> Duration {
        let arrived = Duration::from_secs(u64::try_from(received / BYTES_PER_SECOND).unwrap_or(u64::MAX));
        Duration::from_millis(self.0.total_ms.load(Ordering::Relaxed)).saturating_add(arrived)
    }
}

/// The timeout that a body exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    Idle,
    Total(Duration),
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => write!(f, "body: no data for {} s", IDLE.as_secs()),
            Self::Total(total) => write!(f, "body: not complete within {} s", total.as_secs()),
        }
    }
}

impl std::error::Error for Late {}

/// 408. The connection is closed, since the rest of the body may still arrive.
impl IntoResponse for Late {
    fn into_response(self) -> Response {
        let mut response = ApiError::new(ErrorCode::RequestTimeout, self.to_string()).into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// Bounds the body of the request. Returns `None` as the bounds of a request without a body.
pub(super) fn bound(request: Request<Incoming>, busy: &Busy) -> (Request<Body>, Option<BodyTime>) {
    if request.body().is_end_stream() {
        return (request.map(|_| Body::empty()), None);
    }
    let total_ms = AtomicU64::new(u64::try_from(TOTAL.as_millis()).unwrap_or(u64::MAX));
    let time = BodyTime(Arc::new(Shared { total_ms, late: OnceLock::new() }));
    let mut request = request.map(|body| Body::new(Bounded::new(body, time.clone(), busy.activity())));
    request.extensions_mut().insert(time.clone());
    (request, Some(time))
}

/// A body that ends with an error when it exceeds a timeout.
struct Bounded<B> {
    body: B,
    time: BodyTime,
    activity: Arc<Activity>,
    received: usize,
    /// Time of the first poll: the route's work before it does not count.
    began: Option<Instant>,
    /// Start of the current wait for bytes.
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<B> Bounded<B> {
    fn new(body: B, time: BodyTime, activity: Arc<Activity>) -> Self {
        Self { body, time, activity, received: 0, began: None, waiting_since: None, alarm: None }
    }

    fn resume(&mut self) {
        if self.waiting_since.take().is_some() {
            self.activity.resume();
        }
    }

    /// Returns the timeout that is exceeded. Otherwise the task is woken when one will be.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<Late> {
        let now = Instant::now();
        let total = self.time.total(self.received);
        if self.waiting_since.is_none() {
            self.waiting_since = Some(now);
            self.activity.enter(Phase::Stalled);
        }
        let idle_at = self.waiting_since.unwrap_or(now) + IDLE;
        let total_at = self.began.and_then(|began| began.checked_add(total)).unwrap_or(idle_at);
        let at = idle_at.min(total_at);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if alarm.deadline() != at {
            alarm.as_mut().reset(at);
        }
        alarm.as_mut().poll(context).map(|()| if idle_at <= total_at { Late::Idle } else { Late::Total(total) })
    }
}

impl<B: hyper::body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Unpin> hyper::body::Body for Bounded<B> {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        self.began.get_or_insert_with(Instant::now);
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.resume();
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
            self.received += data.map_or(0, Bytes::len);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        self.poll_late(context).map(|late| {
            let _ = self.time.0.late.set(late);
            Some(Err(late.into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A route that no longer reads the body may be doing other work.
impl<B> Drop for Bounded<B> {
    fn drop(&mut self) {
        if self.waiting_since.is_some() {
            self.activity.resume();
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures_util::stream;
    use http_body_util::StreamBody;

    use super::*;

    /// Returns how long a body of these parts takes, with a pause before each part, and the timeout that it exceeded.
    async fn read(parts: usize, bytes: usize, pause: Duration, allowed: Option<Duration>) -> (Duration, Option<Late>) {
        let part = move |left: usize| async move {
            tokio::time::sleep(pause).await;
            (left > 0).then(|| (Ok::<_, hyper::Error>(Frame::data(Bytes::from(vec![b'x'; bytes]))), left - 1))
        };
        let body = StreamBody::new(Box::pin(stream::unfold(parts, part)));
        let total_ms = AtomicU64::new(u64::try_from(TOTAL.as_millis()).expect("few"));
        let time = BodyTime(Arc::new(Shared { total_ms, late: OnceLock::new() }));
        let mut extensions = Extensions::new();
        extensions.insert(time.clone());
        if let Some(allowed) = allowed {
            BodyTime::allow(&extensions, allowed);
        }
        let began = Instant::now();
        let read = to_bytes(Body::new(Bounded::new(body, time.clone(), Arc::new(Activity::new()))), usize::MAX).await;
        assert_eq!(read.is_err(), time.late().is_some());
        (began.elapsed(), time.late())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_ends_at_the_bound_that_it_exceeds_first() {
        let (second, publish) = (Duration::from_secs(1), Some(Duration::from_secs(30)));
        let exceeded = async |parts, bytes, pause, allowed| {
            let (took, late) = read(parts, bytes, pause, allowed).await;
            (took.as_secs(), late)
        };
        let total = |seconds| Some(Late::Total(Duration::from_secs(seconds)));
        assert_eq!(exceeded(3, 1, second, None).await, (4, None));
        assert_eq!(exceeded(100, 1, second, None).await, (5, total(5)));
        assert_eq!(exceeded(1, 1, 60 * second, None).await, (5, total(5)));
        assert_eq!(exceeded(100, 1, 4 * second, publish).await, (30, total(30)));
        assert_eq!(exceeded(1, 1, 60 * second, publish).await, (10, Some(Late::Idle)));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_arrive_give_a_body_more_time() {
        let second = Duration::from_secs(1);
        let (took, late) = read(60, BYTES_PER_SECOND, second, None).await;
        assert_eq!((took.as_secs(), late), (61, None));
        let (_, late) = read(60, BYTES_PER_SECOND / 2, second, None).await;
        assert!(late.is_some());
    }
}
