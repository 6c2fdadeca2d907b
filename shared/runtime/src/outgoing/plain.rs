//! Requests without TLS, over HTTP/1.1 connections that are kept for each host and port.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Body, Request};
use tokio::time::{Instant, sleep, timeout};
use tower::Service;
use url::{Position, Url};

use super::resolver::GuardedResolver;
use super::{CONNECT_TIMEOUT, Connections, Failure, IDLE_TIMEOUT, MAX_RESPONSE_HEADERS, Response, read};
use crate::AddressPolicy;

/// Idle connections that are kept at most, to all hosts.
const MAX_IDLE: usize = 1024;
/// A peer that is gone is noticed after 15 + 3 × 15 seconds without data, or 30 with data on the way: as in reqwest.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// A client for `http://`.
pub(super) struct Plain {
    connector: HttpConnector<GuardedResolver>,
    idle: Arc<Mutex<Idle>>,
}

impl Plain {
    pub(super) fn new(policy: &AddressPolicy) -> Self {
        let mut connector = HttpConnector::new_with_resolver(GuardedResolver::new(policy));
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE));
        connector.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        #[cfg(target_os = "linux")]
        connector.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        Self { connector, idle: Arc::default() }
    }

    pub(super) async fn send(
        &self,
        mut request: Request,
        connections: Connections,
        body_bytes: usize,
    ) -> Result<Response, Failure> {
        let sent = into_http(&mut request)?;
        let authority = authority(request.url());
        let idle = match connections {
            Connections::Reused => lock(&self.idle).take(authority),
            Connections::New => None,
        };
        let is_reused = idle.is_some();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect(authority).await?,
        };
        let response = connection.send_request(sent).await;
        let response = response.map_err(|error| Failure::of_exchange(&error, is_reused))?;
        let (response, is_complete) =
            read(response, body_bytes).await.map_err(|error| Failure::of_exchange(&error, false))?;
        if is_complete {
            self.keep(authority, connection);
        }
        Ok(response)
    }

    async fn connect(&self, authority: &str) -> Result<SendRequest<Body>, Failure> {
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query("/").build();
        let uri = uri.map_err(|error| Failure::of_request(&error))?;
        let connected = match timeout(CONNECT_TIMEOUT, self.connector.clone().call(uri)).await {
            Ok(connected) => connected.map_err(|error| Failure::of_connect(&error))?,
            Err(_) => {
                return Err(Failure::NotConnected(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())));
            }
        };
        let (sender, connection) = http1::Builder::new()
            .max_headers(MAX_RESPONSE_HEADERS)
            .handshake(connected)
            .await
            .map_err(|error| Failure::of_exchange(&error, false))?;
        // It ends when its sender is dropped or the server closes it. Its errors are those of its requests.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Keeps the connection for the next request to the same host and port.
    fn keep(&self, authority: &str, mut connection: SendRequest<Body>) {
        if connection.is_ready() {
            keep(&self.idle, authority, connection);
            return;
        }
        // The task of the connection has not seen the end of the exchange, or still sends a body that the server
        // responded to before it had read it.
        let (idle, authority) = (Arc::clone(&self.idle), authority.to_owned());
        tokio::spawn(async move {
            if let Ok(Ok(())) = timeout(IDLE_TIMEOUT, connection.ready()).await {
                keep(&idle, &authority, connection);
            }
        });
    }
}

/// Host and port, unless it is the default.
fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// The request as it is sent: with the path as its target, and the headers that every client sends.
fn into_http(request: &mut Request) -> Result<http::Request<Body>, Failure> {
    let target = &request.url()[Position::BeforePath..Position::AfterQuery];
    let target = PathAndQuery::from_maybe_shared(Bytes::copy_from_slice(target.as_bytes()));
    let target = target.map_err(|error| Failure::of_request(&error))?;
    let host = HeaderValue::from_str(authority(request.url())).map_err(|error| Failure::of_request(&error))?;
    let body = request.body_mut().take().unwrap_or_default();
    let mut sent = http::Request::new(body);
    *sent.method_mut() = std::mem::take(request.method_mut());
    *sent.uri_mut() = Uri::from(target);
    *sent.headers_mut() = std::mem::take(request.headers_mut());
    sent.headers_mut().entry(HOST).or_insert(host);
    sent.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    Ok(sent)
}

/// Connections between two requests, by host and port; the last of each is the one used last.
#[derive(Default)]
struct Idle {
    by_authority: HashMap<String, Vec<(SendRequest<Body>, Instant)>>,
    number: usize,
    /// A task closes what stays idle too long.
    is_swept: bool,
}

impl Idle {
    fn take(&mut self, authority: &str) -> Option<SendRequest<Body>> {
        let connections = self.by_authority.get_mut(authority)?;
        while let Some((connection, since)) = connections.pop() {
            self.number -= 1;
            if connection.is_ready() && since.elapsed() < IDLE_TIMEOUT {
                return Some(connection);
            }
        }
        None
    }

    fn sweep(&mut self) {
        self.by_authority.retain(|_, connections| {
            connections.retain(|(connection, since)| connection.is_ready() && since.elapsed() < IDLE_TIMEOUT);
            !connections.is_empty()
        });
        self.number = self.by_authority.values().map(Vec::len).sum();
    }
}

fn lock(idle: &Mutex<Idle>) -> MutexGuard<'_, Idle> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(shared: &Arc<Mutex<Idle>>, authority: &str, connection: SendRequest<Body>) {
    let mut idle = lock(shared);
    if idle.number >= MAX_IDLE {
        return;
    }
    idle.number += 1;
    let kept = (connection, Instant::now());
    match idle.by_authority.get_mut(authority) {
        Some(connections) => connections.push(kept),
        None => drop(idle.by_authority.insert(authority.to_owned(), vec![kept])),
    }
    if !idle.is_swept {
        idle.is_swept = true;
        tokio::spawn(sweep(Arc::downgrade(shared)));
    }
}

/// Closes what stays idle too long, until nothing is idle.
async fn sweep(shared: Weak<Mutex<Idle>>) {
    loop {
        sleep(IDLE_TIMEOUT).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut idle = lock(&shared);
        idle.sweep();
        if idle.number == 0 {
            idle.is_swept = false;
            return;
        }
    }
}
