//! Keep-alive connection of the load generator.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::load::closed_loop::Worker;
use crate::load::job;

/// Target of the jobs.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The server.
    pub(crate) address: SocketAddr,
    /// The path there.
    pub(crate) path: String,
    /// The bearer token, if it needs one.
    pub(crate) token: Option<String>,
    /// Further header fields.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The length of a body.
    pub(crate) body_bytes: usize,
    /// The time in all bodies. Default: the time of the request.
    pub(crate) sent_ns: Option<u64>,
}

/// Connection that posts jobs consecutively.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    path: Uri,
    headers: HeaderMap,
    body_bytes: usize,
    sent_ns: Option<u64>,
}

impl Target {
    /// A target with bodies of the usual length.
    pub(crate) fn new(address: SocketAddr, path: String, token: Option<String>) -> Self {
        Self { address, path, token, headers: Vec::new(), body_bytes: job::BYTES, sent_ns: None }
    }

    /// Opens connections. Must run on the runtime that uses them.
    pub(crate) async fn connect(&self, connections: usize) -> Result<Vec<Connection>> {
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            let connection = Connection::open(self).await;
            opened.push(connection.with_context(|| format!("cannot connect to {}", self.address))?);
        }
        Ok(opened)
    }
}

impl Connection {
    async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        // The next request fails if the connection was closed.
        tokio::spawn(driver);

        let mut headers = HeaderMap::new();
        headers.insert(HOST, target.address.to_string().parse()?);
        headers.insert(CONTENT_TYPE, "application/json".parse()?);
        if let Some(token) = &target.token {
            headers.insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
        }
        for (name, value) in &target.headers {
            headers.insert(*name, value.parse()?);
        }
        let (body_bytes, sent_ns) = (target.body_bytes, target.sent_ns);
        Ok(Self { sender, path: target.path.parse()?, headers, body_bytes, sent_ns })
    }

    /// Posts a job and reads the response to its end. A status outside 2xx is an error.
    pub(crate) async fn post(&mut self, body: Bytes) -> Result<()> {
        let mut request = Request::post(self.path.clone()).body(Full::new(body))?;
        *request.headers_mut() = self.headers.clone();
        self.sender.ready().await.with_context(|| format!("POST {}: the connection was closed", self.path))?;
        let response = self.sender.send_request(request).await.with_context(|| format!("POST {}", self.path))?;
        let status = response.status();
        let body = response.into_body().collect().await.with_context(|| format!("POST {}: the body", self.path))?;
        let text = || String::from_utf8_lossy(&body.to_bytes()).into_owned();
        ensure!(status.is_success(), "POST {} got {status}: {}", self.path, text());
        Ok(())
    }
}

impl Worker for Connection {
    async fn step(&mut self, number: u64) -> Result<u64> {
        let sent_ns = self.sent_ns.unwrap_or_else(job::now_ns);
        self.post(job::body_of(self.body_bytes, number, sent_ns)).await?;
        Ok(1)
    }
}
