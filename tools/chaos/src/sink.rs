//! The destination: responds according to the script in each URL, and records every request.

mod script;
mod sender;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;
use sigpost_qstash::{SigningKeys, Verifier};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::history::{Arrival, Report, now};
use crate::process::Pids;
use script::{Ending, Step};

type Body = BoxBody<Bytes, io::Error>;

#[derive(Clone)]
pub(crate) struct Sink(Arc<Shared>);

struct Shared {
    url: String,
    verifier: Verifier,
    pids: Pids,
    arrivals: Mutex<Arrivals>,
}

#[derive(Default)]
struct Arrivals {
    /// Requests by number. Numbers are unique across rounds.
    all: HashMap<u64, Arrival>,
    next: u64,
}

impl Sink {
    pub(crate) async fn start(keys: &SigningKeys, pids: Pids) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let verifier = Verifier::new(keys, Duration::from_secs(5));
        let sink = Self(Arc::new(Shared { url, verifier, pids, arrivals: Mutex::default() }));
        let accepting = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        Ok(sink)
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.lock().all.values().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().all.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Arrivals> {
        self.0.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, stream: TcpStream) {
        let (Ok(peer), pids) = (stream.peer_addr(), self.0.pids.all()) else { return };
        let process = spawn_blocking(move || sender::process_of(peer.port(), &pids)).await.ok().flatten();
        let service = service_fn(move |request| self.clone().receive(request, process));
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // Some steps abort the connection.
        let _ = connection.await;
    }

    async fn receive(self, request: Request<Incoming>, process: Option<usize>) -> io::Result<Response<Body>> {
        let began = now();
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let url = format!("{}{}", self.0.url, head.uri);
        let verified = self.0.verifier.verify(header("upstash-signature"), &url, &body, Timestamp::now());
        let retried = header("upstash-retried").parse().unwrap_or(-1);
        let open = self.open(Arrival {
            message: header("upstash-message-id").to_owned(),
            retried,
            process,
            is_signed: verified.is_ok(),
            began,
            report: report(&body),
            ..Arrival::default()
        });
        let Step { ending, hold } = script::step(head.uri.query().unwrap_or_default(), retried);
        sleep(hold).await;
        match ending {
            Ending::Status(status) => {
                open.respond(status);
                let non_retryable = if status == 489 { "true" } else { "false" };
                let response = Response::builder().status(status).header("upstash-nonretryable-error", non_retryable);
                response.body(Full::from("sink").map_err(|never| match never {}).boxed()).map_err(io::Error::other)
            }
            Ending::Close => Err(io::Error::other("closed without a response")),
            Ending::Half => {
                let parts = [Ok(Frame::data(Bytes::from("half"))), Err(io::Error::other("broken off"))];
                let body = StreamBody::new(stream::iter(parts)).boxed();
                Response::builder().header("content-length", "100").body(body).map_err(io::Error::other)
            }
            Ending::Hang => std::future::pending().await,
        }
    }

    fn open(&self, arrival: Arrival) -> Open {
        let mut arrivals = self.lock();
        arrivals.next += 1;
        let number = arrivals.next;
        arrivals.all.insert(number, arrival);
        Open { sink: self.clone(), number }
    }
}

/// Request without a response yet. Ends on drop, which includes a closed connection.
struct Open {
    sink: Sink,
    number: u64,
}

impl Open {
    fn respond(self, status: u16) {
        if let Some(arrival) = self.sink.lock().all.get_mut(&self.number) {
            arrival.status = Some(status);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(arrival) = self.sink.lock().all.get_mut(&self.number) {
            arrival.ended = Some(now());
        }
    }
}

/// Parses a callback. Other bodies are not JSON with a message.
fn report(body: &[u8]) -> Option<Report> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let number = |name: &str| body[name].as_i64().and_then(|number| i32::try_from(number).ok()).unwrap_or(-1);
    Some(Report {
        source: body["sourceMessageId"].as_str()?.to_owned(),
        retried: number("retried"),
        status: number("status"),
        has_dead_letter: body["dlqId"].is_string(),
    })
}
