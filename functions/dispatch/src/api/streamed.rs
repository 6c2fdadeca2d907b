//! Responses with message bodies. A large one is serialized while it is sent, so that its JSON is never in memory as a
//! whole. Its source data counts against a budget of the process.

use std::io::{self, Write};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::poll_fn;
use serde::Serialize;
use sigpost_runtime::ApiError;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{Instant, timeout_at};

use crate::api::body::time_for;
use crate::budget::{Budget, SMALL, Share};

/// Memory budget for large responses in bytes. A page has at most 8 MiB, or one larger row.
const BUDGET: usize = 24 * 1024 * 1024;
/// How long a response waits for its share.
const PATIENCE: Duration = Duration::from_secs(2);
/// Size of a chunk in bytes.
const CHUNK: usize = 64 * 1024;

/// The memory budget for responses.
#[derive(Debug)]
pub(crate) struct Responses(Budget);

impl Default for Responses {
    fn default() -> Self {
        Self(Budget::new(BUDGET))
    }
}

impl Responses {
    /// Reserves the share of a response of this size; small ones need none. Returns 503 if the budget is used up.
    pub(crate) async fn share(&self, bytes: usize) -> Result<Option<Share>, ApiError> {
        if bytes <= SMALL {
            return Ok(None);
        }
        let busy = || ApiError::try_again("too many large responses are in progress; retry later or set bodies=false");
        self.0.share(bytes, PATIENCE).await.map(Some).ok_or_else(busy)
    }

    /// Shrinks a share that was reserved before the size was known.
    pub(crate) fn keep(share: &mut Option<Share>, bytes: usize) {
        match share {
            Some(share) if bytes > SMALL => share.shrink_to(bytes),
            _ => *share = None,
        }
    }
}

/// A JSON response and its share of the budget.
pub(crate) struct Streamed<T> {
    pub(crate) value: T,
    pub(crate) share: Option<Share>,
}

impl<T: Serialize + Send + 'static> IntoResponse for Streamed<T> {
    fn into_response(self) -> Response {
        let Some(share) = self.share else { return Json(self.value).into_response() };
        let (sender, mut receiver) = channel(1);
        let (runtime, deadline) = (Handle::current(), Instant::now() + time_for(share.bytes()));
        tokio::task::spawn_blocking(move || {
            let mut writer = Writer { chunk: Vec::with_capacity(CHUNK), sender, runtime, deadline };
            // An error means that the client disconnected or is too slow.
            if serde_json::to_writer(&mut writer, &self.value).is_ok() && writer.flush().is_ok() {
                let _ = writer.send(Part::End);
            }
            drop(share);
        });
        let parts = poll_fn(move |context| {
            receiver.poll_recv(context).map(|part| match part {
                Some(Part::Chunk(bytes)) => Some(Ok(bytes)),
                Some(Part::End) => None,
                // The connection closes before the end of the response, so that the client detects truncation.
                None => Some(Err(io::Error::from(io::ErrorKind::TimedOut))),
            })
        });
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        ([json], Body::from_stream(parts)).into_response()
    }
}

enum Part {
    Chunk(Bytes),
    End,
}

/// Sends the written bytes in chunks, with backpressure.
struct Writer {
    chunk: Vec<u8>,
    sender: Sender<Part>,
    runtime: Handle,
    deadline: Instant,
}

impl Writer {
    fn send(&self, part: Part) -> io::Result<()> {
        match self.runtime.block_on(timeout_at(self.deadline, self.sender.send(part))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        let written = bytes.len().min(CHUNK);
        self.chunk.extend_from_slice(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        if chunk.is_empty() { Ok(()) } else { self.send(Part::Chunk(chunk.into())) }
    }
}
