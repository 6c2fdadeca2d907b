//! Sends claimed jobs: one task per keep-alive connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};

use super::Job;
use super::token::Signer;

const CONNECTIONS: usize = 64;
const PATH: &str = "/job";

/// Outcome of an attempt.
pub(super) struct Outcome {
    pub(super) id: i64,
    pub(super) attempt: i32,
    /// 0 means no response.
    pub(super) status: i32,
    pub(super) duration_ms: i32,
}

/// One of the tasks.
#[derive(Clone)]
struct Sender {
    address: SocketAddr,
    host: String,
    signer: Signer,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    outcomes: mpsc::Sender<Outcome>,
}

/// Starts the tasks.
pub(super) fn start(address: SocketAddr, jobs: mpsc::Receiver<Job>, outcomes: &mpsc::Sender<Outcome>) {
    let host = address.to_string();
    let signer = Signer::new(format!("http://{host}{PATH}"));
    let sender = Sender { address, host, signer, jobs: Arc::new(Mutex::new(jobs)), outcomes: outcomes.clone() };
    for _ in 0..CONNECTIONS {
        tokio::spawn(sender.clone().run());
    }
}

impl Sender {
    async fn run(self) {
        let mut connection = None;
        while let Some(job) = self.next().await {
            let (id, attempt, started) = (job.id, job.attempt, Instant::now());
            let status = self.send(&mut connection, job).await.unwrap_or(0);
            let duration_ms = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
            if self.outcomes.send(Outcome { id, attempt, status, duration_ms }).await.is_err() {
                return;
            }
        }
    }

    async fn next(&self) -> Option<Job> {
        self.jobs.lock().await.recv().await
    }

    async fn send(&self, connection: &mut Option<SendRequest<Full<Bytes>>>, job: Job) -> Result<i32> {
        let open = match connection {
            Some(sender) if !sender.is_closed() => sender,
            closed => closed.insert(self.connect().await?),
        };
        let request = Request::post(PATH)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .header("x-signature", self.signer.sign(job.id, &job.body))
            .header("x-job-id", job.id)
            .body(Full::new(job.body))?;
        open.ready().await?;
        let response = open.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status.as_u16().into())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        // The next request fails if the connection was closed.
        tokio::spawn(driver);
        Ok(sender)
    }
}
