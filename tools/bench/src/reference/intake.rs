//! Accepts jobs over HTTP. Requests that arrive during a commit share the next one. The response follows the commit.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio_postgres::{Client, Statement};

use super::tables;
use crate::postgres;

/// Concurrent commits.
const WRITERS: usize = 2;
/// Maximum jobs of a commit.
const BATCH: usize = 500;
/// Maximum requests that wait for a writer.
const WAITING: usize = 4096;
/// Stored with each job. Attempts go to the address that the process was started with.
const URL: &str = "http://127.0.0.1/job";

/// Job that is not stored yet, with the channel for its ID.
struct Accepted {
    body: Bytes,
    stored: oneshot::Sender<i64>,
}

/// Writer of jobs.
struct Writer {
    client: Client,
    insert: Statement,
    queue: Arc<Mutex<mpsc::Receiver<Accepted>>>,
    notify: Arc<Notify>,
}

/// Starts the writers and the server. Notifies about each commit.
pub(super) async fn start(database_url: &str, notify: Arc<Notify>) -> Result<SocketAddr> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let queue = Arc::new(Mutex::new(receiver));
    for _ in 0..WRITERS {
        let client = postgres::connect(database_url).await?;
        let insert = client.prepare(tables::INSERT).await?;
        let writer = Writer { client, insert, queue: Arc::clone(&queue), notify: Arc::clone(&notify) };
        tokio::spawn(async move {
            if let Err(error) = writer.run().await {
                eprintln!("reference: a writer ended: {error:#}");
            }
        });
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the intake cannot listen")?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, sender));
    Ok(address)
}

impl Writer {
    async fn run(self) -> Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if self.queue.lock().await.recv_many(&mut batch, BATCH).await == 0 {
                return Ok(());
            }
            let bodies: Vec<&[u8]> = batch.iter().map(|accepted: &Accepted| &accepted.body[..]).collect();
            let rows = self.client.query(&self.insert, &[&URL, &bodies]).await?;
            self.notify.notify_one();
            for (accepted, row) in batch.drain(..).zip(rows) {
                // The client may have closed its connection.
                let _ = accepted.stored.send(row.get(0));
            }
        }
    }
}

async fn serve(listener: TcpListener, queue: mpsc::Sender<Accepted>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let queue = queue.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| accept(request, queue.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn accept(request: Request<Incoming>, queue: mpsc::Sender<Accepted>) -> hyper::Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    let (stored, id) = oneshot::channel();
    // The channel closes if there is no writer.
    let _ = queue.send(Accepted { body, stored }).await;
    let mut response = Response::new(Full::default());
    match id.await {
        Ok(id) => *response.body_mut() = Full::from(format!(r#"{{"messageId":"{id}"}}"#)),
        Err(_) => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
    }
    Ok(response)
}
