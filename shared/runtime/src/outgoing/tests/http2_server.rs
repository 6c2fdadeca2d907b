//! An HTTP/2 server that a test controls.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::server::TlsStream;

use super::TlsServer;

/// The server's reaction to a request after the first one, to which it responds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// Responds when the test releases the request.
    Hold,
    /// Responds with a body of this length.
    RespondWith(usize),
    /// Resets the stream.
    Reset(Reason),
    /// Closes the connection.
    Close,
}

pub(super) struct Http2Server {
    pub(super) url: String,
    accepted: Arc<AtomicUsize>,
    held: mpsc::UnboundedReceiver<()>,
    released: Arc<Semaphore>,
}

#[derive(Clone)]
struct Steps {
    /// The remaining reactions. When there are none, the server responds.
    left: Arc<Mutex<VecDeque<Option<Then>>>>,
    held: mpsc::UnboundedSender<()>,
    released: Arc<Semaphore>,
}

impl Http2Server {
    /// Starts a server with this limit of concurrent requests on a connection.
    pub(super) async fn start(tls: &TlsServer, limit: u32, then: Vec<Then>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://{}/", listener.local_addr().expect("address"));
        let (held, holding) = mpsc::unbounded_channel();
        let left = std::iter::once(None).chain(then.into_iter().map(Some)).collect();
        let released = Arc::new(Semaphore::new(0));
        let steps = Steps { left: Arc::new(Mutex::new(left)), held, released: Arc::clone(&released) };
        let accepted = Arc::new(AtomicUsize::new(0));
        let (tls, counted) = (tls.clone(), Arc::clone(&accepted));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a client");
                counted.fetch_add(1, Ordering::Relaxed);
                let (tls, steps) = (tls.clone(), steps.clone());
                tokio::spawn(async move {
                    let stream = tls.accept(stream, b"h2").await.expect("TLS");
                    serve(stream, limit, steps).await;
                });
            }
        });
        Self { url, accepted, held: holding, released }
    }

    /// Returns the number of connections so far.
    pub(super) fn connections(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Waits until this number of requests is held, and responds to them.
    pub(super) async fn release_when_held(&mut self, requests: usize) {
        for _ in 0..requests {
            self.held.recv().await.expect("a request");
        }
        self.released.add_permits(requests);
    }
}

async fn serve(stream: TlsStream<TcpStream>, limit: u32, steps: Steps) {
    let mut connection = server::Builder::new().max_concurrent_streams(limit).handshake(stream).await.expect("HTTP/2");
    while let Some(Ok((request, mut responder))) = connection.accept().await {
        let body = request.into_body();
        match steps.left.lock().expect("not poisoned").pop_front().flatten() {
            None => drop(tokio::spawn(respond(body, responder, 2))),
            Some(Then::RespondWith(bytes)) => drop(tokio::spawn(respond(body, responder, bytes))),
            Some(Then::Reset(reason)) => responder.send_reset(reason),
            Some(Then::Close) => return,
            Some(Then::Hold) => {
                let steps = steps.clone();
                tokio::spawn(async move {
                    steps.held.send(()).expect("the test waits");
                    steps.released.acquire().await.expect("open").forget();
                    respond(body, responder, 2).await;
                });
            }
        }
    }
}

async fn respond(mut request: RecvStream, mut responder: SendResponse<Bytes>, bytes: usize) {
    while let Some(chunk) = request.data().await {
        assert_eq!(chunk.expect("a body"), "{}");
    }
    let mut body = responder.send_response(http::Response::new(()), false).expect("sent");
    let content = if bytes == 2 { Bytes::from_static(b"ok") } else { Bytes::from(vec![b'x'; bytes]) };
    let _ = body.send_data(content, true);
}
