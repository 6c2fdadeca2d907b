//! `bench sink`, the child process. `GET /count` and `GET /stats` return the count, `POST /reset` clears it; any
//! other request is a job.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::load::job;
use crate::sink::tally::Tally;
use crate::{child, own_thread};

type Shared = Arc<Mutex<Tally>>;

/// Runs the destination. It prints its address, and ends when its standard input does.
pub(crate) async fn run() -> Result<()> {
    child::end_with_parent();
    own_thread::run("sink", serve).await
}

async fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the sink cannot listen")?;
    child::announce(&listener.local_addr()?.to_string())?;
    let tally = Shared::default();
    loop {
        let (stream, _) = listener.accept().await.context("the sink cannot accept")?;
        stream.set_nodelay(true)?;
        let tally = Arc::clone(&tally);
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(request, Arc::clone(&tally)));
            // The sender reports a broken connection.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(request: Request<Incoming>, tally: Shared) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = match (request.method(), request.uri().path()) {
        (&Method::GET, "/count") => lock(&tally).distinct().to_string().into(),
        (&Method::GET, "/stats") => serde_json::to_vec(&lock(&tally).stats()).unwrap_or_default().into(),
        (&Method::POST, "/reset") => {
            *lock(&tally) = Tally::default();
            Bytes::new()
        }
        _ => {
            // An incomplete body counts as unreadable.
            let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            lock(&tally).count(&body, job::now_ns());
            Bytes::from_static(b"ok")
        }
    };
    Ok(Response::new(Full::new(text)))
}

fn lock(tally: &Shared) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
