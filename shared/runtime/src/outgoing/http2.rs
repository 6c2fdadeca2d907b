//! HTTP/2 connections, with h2 itself: hyper's client adds two tasks and two channels to each request.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use h2::client::{self, SendRequest};
use h2::{RecvStream, SendStream};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Request};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Failure, Response};

/// Maximum size of a response's header fields in bytes: the same as hyper's for HTTP/1.1.
const MAX_RESPONSE_HEADER_BYTES: u32 = 8192 + 4096 * 100;
/// Flow-control window of a connection in bytes. The window of each response is h2's default, 64 KiB.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// A connection and the right to one request on it, which is released on drop.
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    /// Requests that hold the right.
    requests: Arc<AtomicUsize>,
}

impl Connection {
    /// Starts HTTP/2 on a stream.
    pub(super) async fn start(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Self, h2::Error> {
        let mut builder = client::Builder::new();
        builder
            .enable_push(false)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_RESPONSE_HEADER_BYTES);
        let (sender, connection) = builder.handshake(stream).await?;
        // The task ends when the senders are dropped or the server closes the connection. Its errors are reported to
        // its requests.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, requests: Arc::new(AtomicUsize::new(1)) })
    }

    /// Returns the handle from which other requests share the connection.
    pub(super) fn share(&self) -> Shared {
        Shared { sender: self.sender.clone(), requests: Arc::clone(&self.requests) }
    }

    /// Sends the request, and reads at most `body_bytes` of the response's body. If the body is longer, the stream is
    /// reset.
    pub(super) async fn exchange(
        mut self,
        request: Request<Bytes>,
        is_reused: bool,
        body_bytes: usize,
    ) -> Result<Response, Failure> {
        let (response, request) = self.send(request).await.map_err(|error| Failure::of_exchange(&error, is_reused))?;
        read(response, request, body_bytes).await.map_err(|error| Failure::of_response(&error))
    }

    /// Sends the request. Returns the response, and the unsent rest of the request.
    async fn send(
        &mut self,
        request: Request<Bytes>,
    ) -> Result<(http::Response<RecvStream>, SendStream<Bytes>), h2::Error> {
        let (mut head, body) = request.into_parts();
        remove_connection_fields(&mut head.headers);
        if !body.is_empty() {
            head.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(body.len()));
        }
        poll_fn(|context| self.sender.poll_ready(context)).await?;
        let (response, mut stream) = self.sender.send_request(Request::from_parts(head, ()), body.is_empty())?;
        if !body.is_empty() {
            // The body is in memory anyway: h2 sends it as the windows allow.
            stream.send_data(body, true)?;
        }
        Ok((response.await?, stream))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that can carry more requests.
pub(super) struct Shared {
    sender: SendRequest<Bytes>,
    requests: Arc<AtomicUsize>,
}

impl Shared {
    /// Returns the right to one more request, unless the server's maximum of concurrent requests is reached.
    pub(super) fn try_use(&self) -> Option<Connection> {
        // Only the pool adds requests, and it holds its lock here.
        let requests = self.requests.load(Ordering::Relaxed);
        // A server that allows no request would cause a new connection for each request.
        if requests >= self.sender.current_max_send_streams().max(1) {
            return None;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        Some(Connection { sender: self.sender.clone(), requests: Arc::clone(&self.requests) })
    }

    /// Returns whether the connection has requests in flight.
    pub(super) fn is_in_use(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Returns whether the connection accepts no more requests: it is closed or about to be.
    pub(super) fn is_closed(&mut self) -> bool {
        // Without a request of its own the sender is ready or has failed; no task needs to be woken.
        matches!(self.sender.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(_)))
    }
}

/// Reads a response, while the rest of the request is sent. The unsent rest is cancelled after the response.
async fn read(
    response: http::Response<RecvStream>,
    request: SendStream<Bytes>,
    body_bytes: usize,
) -> Result<Response, h2::Error> {
    let (head, mut body) = response.into_parts();
    let mut kept = BytesMut::new();
    while kept.len() < body_bytes
        && let Some(chunk) = body.data().await
    {
        let chunk = chunk?;
        kept.extend_from_slice(&chunk[..chunk.len().min(body_bytes - kept.len())]);
        body.flow_control().release_capacity(chunk.len())?;
    }
    drop(request);
    Ok(Response { status: head.status.as_u16(), headers: head.headers, body: kept.freeze() })
}

/// Removes the fields that describe an HTTP/1.1 connection (RFC 9113 section 8.2.2): h2 rejects a request with them.
fn remove_connection_fields(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection"] {
        headers.remove(name);
    }
    if headers.get(TE).is_some_and(|value| value != "trailers") {
        headers.remove(TE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_connection_are_removed() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "X-Hop, close"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip"),
            ("x-end-to-end", "1"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        remove_connection_fields(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-end-to-end"]);
    }
}
