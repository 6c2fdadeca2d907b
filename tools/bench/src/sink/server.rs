//! `bench sink`, the child process. `GET /count` and `GET /stats` return the count, `POST /reset` clears it; any
//! other request is a job.

use std::convert::Infallible;
use std::future;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::Listening;
use super::tls::Certificate;
use crate::load::job;
use crate::sink::tally::Tally;
use crate::{child, own_thread};

/// Response time of `/slow`.
const LATENCY: Duration = Duration::from_millis(50);

type Shared = Arc<Mutex<Tally>>;

/// Protocol of a listener.
#[derive(Clone)]
enum Protocol {
    Plain,
    Http1(TlsAcceptor),
    Http2(TlsAcceptor),
}

/// Runs the destination. It prints its addresses, and exits at the end of its standard input.
pub(crate) async fn run() -> Result<()> {
    child::end_with_parent();
    own_thread::run("sink", serve).await
}

async fn serve() -> Result<()> {
    let certificate = Certificate::create().context("the sink's certificate")?;
    let (plain, http1, http2) = (listen().await?, listen().await?, listen().await?);
    let listening = Listening {
        plain: plain.local_addr()?,
        http1: http1.local_addr()?,
        http2: http2.local_addr()?,
        authority: certificate.authority.clone(),
    };
    child::announce(&serde_json::to_string(&listening)?)?;
    let tally = Shared::default();
    let (of_http1, of_http2) = (certificate.acceptor("http/1.1")?, certificate.acceptor("h2")?);
    tokio::try_join!(
        accept(plain, Protocol::Plain, &tally),
        accept(http1, Protocol::Http1(of_http1), &tally),
        accept(http2, Protocol::Http2(of_http2), &tally),
    )?;
    Ok(())
}

async fn listen() -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the sink cannot listen")
}

async fn accept(listener: TcpListener, protocol: Protocol, tally: &Shared) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await.context("the sink cannot accept")?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream, protocol.clone(), Arc::clone(tally)));
    }
}

/// Serves a connection to its end. The sender reports a broken one.
async fn connection(stream: TcpStream, protocol: Protocol, tally: Shared) {
    match protocol {
        Protocol::Plain => serve_http1(stream, tally).await,
        Protocol::Http1(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_http1(stream, tally).await;
            }
        }
        Protocol::Http2(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                let service = service_fn(move |request| respond(request, Arc::clone(&tally)));
                let builder = http2::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            }
        }
    }
}

async fn serve_http1(stream: impl AsyncRead + AsyncWrite + Unpin, tally: Shared) {
    let service = service_fn(move |request| respond(request, Arc::clone(&tally)));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, tally: Shared) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_slow = request.uri().path() == "/slow";
    let text = match (request.method(), request.uri().path()) {
        (&Method::GET, "/count") => lock(&tally).distinct().to_string().into(),
        (&Method::GET, "/stats") => serde_json::to_vec(&lock(&tally).stats()).unwrap_or_default().into(),
        (&Method::POST, "/reset") => {
            *lock(&tally) = Tally::default();
            Bytes::new()
        }
        (_, "/hang") => future::pending().await,
        _ => {
            // An incomplete body counts as unreadable.
            let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            lock(&tally).count(&body, job::now_ns());
            if is_slow {
                sleep(LATENCY).await;
            }
            Bytes::from_static(b"ok")
        }
    };
    Ok(Response::new(Full::new(text)))
}

fn lock(tally: &Shared) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
